"""`QUORUM_STATES`: what a node is in the quorum, and what moves it on.

Names are Kafka's (org.apache.kafka.raft.QuorumState, 4.x: "voted" is unattached with a vote).
"""

from kinaction.kernel.states import StateTable

_ANYWHERE = {"higher epoch": "unattached", "leader found": "follower"}

QUORUM_STATES = StateTable(
    "quorum",
    "unattached",
    {
        "unattached": {**_ANYWHERE, "vote granted": "unattached", "election timeout": "candidate"},
        "follower": {**_ANYWHERE, "fetch timeout": "candidate", "leader lost": "unattached"},
        "candidate": {**_ANYWHERE, "majority granted": "leader", "election timeout": "candidate"},
        "leader": {**_ANYWHERE, "majority silent": "resigned", "shut down": "resigned"},
        "resigned": {**_ANYWHERE, "election timeout": "candidate"},
    },
)
"""State -> event -> state. Pre-vote (KIP-996) adds "prospective" before candidate."""
