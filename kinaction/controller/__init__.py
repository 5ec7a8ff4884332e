"""Floor 4: cluster metadata: decide -> records -> replay. Imports from below only."""
