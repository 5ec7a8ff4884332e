"""The lenses: one question each, answered by a picture that is computed from traces."""
