"""`GROUP_STATES`: the life of a classic group.

Names are Kafka's (org.apache.kafka.coordinator.group.classic.ClassicGroupState).
"""

from kinaction.kernel.states import StateTable

EMPTY = "Empty"
PREPARING = "PreparingRebalance"
COMPLETING = "CompletingRebalance"
STABLE = "Stable"
DEAD = "Dead"

_ANYWHERE = {"remove": DEAD}

GROUP_STATES = StateTable(
    "classic group",
    EMPTY,
    {
        EMPTY: {**_ANYWHERE, "rebalance": PREPARING},
        PREPARING: {**_ANYWHERE, "all joined": COMPLETING, "nobody joined": EMPTY},
        COMPLETING: {**_ANYWHERE, "plan stored": STABLE, "rebalance": PREPARING},
        STABLE: {**_ANYWHERE, "rebalance": PREPARING},
        DEAD: {},
    },
)
"""State -> event -> state."""
