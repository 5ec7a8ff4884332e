"""Floor 10: `Cluster`, the one door of learners and tests; faults, forks, invariants, serving."""
