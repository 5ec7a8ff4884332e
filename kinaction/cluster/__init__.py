"""Floor 10: `Cluster`, the one door of learners and tests; faults, forks, invariants, serving."""

from kinaction.cluster.cluster import Cluster
from kinaction.cluster.driver import NotReached

__all__ = ["Cluster", "NotReached"]
