"""Floor 3: the KRaft quorum that replicates the controller's records. Imports from below only."""
