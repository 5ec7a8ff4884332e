"""`Group`: a classic group: its members, generation and state. Asks nobody, sends nothing."""

from collections.abc import Iterator, Mapping

from kinaction.broker.group.member import Member, Protocols, subscribed_topics
from kinaction.broker.group.states import COMPLETING, DEAD, EMPTY, GROUP_STATES, STABLE
from kinaction.kernel.outbox import Json
from kinaction.wire.errors import Error, KafkaError

CONSUMER = "consumer"
"""The protocol type of consumers; Connect's workers say "connect"."""


class Group:
    """A group. Its state changes only along GROUP_STATES; view: state, members and what they read.

    `pending_joins`: ids that were given out and not yet used. `pending_syncs`: members that have
    not asked for their part of this generation's plan.
    """

    def __init__(self, group_id: str, now_ms: int) -> None:
        self.group_id = group_id
        self.path = f"groups/{group_id}"
        self.state = EMPTY
        self.previous_state = EMPTY
        self.state_since_ms = now_ms
        self.generation = 0
        self.protocol_type: str | None = None
        self.protocol: str | None = None
        self.leader: str | None = None
        self.members: dict[str, Member] = {}
        self.static_members: dict[str, str] = {}
        self.pending_joins: dict[str, None] = {}
        self.pending_syncs: dict[str, None] = {}
        self.has_new_member = False
        self.delay_left_ms = 0
        self.topics: tuple[str, ...] | None = None

    def view(self) -> Mapping[str, Json]:
        """state, generation, protocol, leader, members: [member id, client id, [partition, …]]."""
        if self.state == DEAD:
            return {}
        return {
            "state": self.state, "generation": self.generation, "protocol": self.protocol,
            "leader": self.leader,
            "members": [[member.member_id, member.client_id, list(member.partitions)]
                        for member in self.members.values()],
        }

    def move(self, event: str, now_ms: int) -> str:
        """Take an event of GROUP_STATES; the state before it."""
        before = self.state
        self.state = GROUP_STATES.next(before, event)
        self.previous_state = before
        self.state_since_ms = now_ms
        return before

    @property
    def can_rebalance(self) -> bool:
        """Whether a rebalance may begin now: not while one collects its members."""
        return GROUP_STATES.allows(self.state, "rebalance")

    def add(self, member: Member) -> None:
        """A member, whose id is pending no more; the first one leads."""
        if self.leader is None:
            self.leader = member.member_id
        self.members[member.member_id] = member
        self.pending_joins.pop(member.member_id, None)
        if member.instance_id is not None:
            self.static_members[member.instance_id] = member.member_id

    def remove(self, member: Member) -> None:
        """A member is gone; if it led, the next one does."""
        del self.members[member.member_id]
        self.pending_syncs.pop(member.member_id, None)
        if member.instance_id is not None:
            self.static_members.pop(member.instance_id, None)
        if self.leader == member.member_id:
            self.leader = next(iter(self.members), None)

    def rename(self, old: Member, new_id: str) -> Member:
        """A static member came back: the same one, its old id is fenced."""
        self.remove_id(old.member_id)
        was_leader = self.leader == old.member_id
        old.member_id = new_id
        self.members[new_id] = old
        assert old.instance_id is not None, "only static members are recognised"
        self.static_members[old.instance_id] = new_id
        if was_leader:
            self.leader = new_id
        return old

    def remove_id(self, member_id: str) -> None:
        """Forget an id, but not who leads."""
        del self.members[member_id]
        self.pending_syncs.pop(member_id, None)

    def known(self, member_id: str, instance_id: str | None) -> Member:
        """The member that sends this.

        Raises:
            KafkaError: UNKNOWN_MEMBER_ID; FENCED_INSTANCE_ID, somebody else is this instance now.
        """
        if instance_id is not None:
            current = self.static_members.get(instance_id)
            if current is None:
                raise KafkaError(Error.UNKNOWN_MEMBER_ID)
            if current != member_id:
                raise KafkaError(Error.FENCED_INSTANCE_ID)
        member = self.members.get(member_id)
        if member is None:
            raise KafkaError(Error.UNKNOWN_MEMBER_ID)
        return member

    def supports(self, protocol_type: str, protocols: Protocols) -> bool:
        """Whether a client that knows these assignors may be in the group."""
        if self.state == EMPTY:
            return bool(protocol_type) and bool(protocols)
        common = self._common_protocols()
        return self.protocol_type == protocol_type and (
            not self.members or any(name in common for name, _ in protocols))

    def _common_protocols(self) -> list[str]:
        members = list(self.members.values())
        offered: dict[str, int] = {}
        for member in members:
            for name in dict.fromkeys(name for name, _ in member.protocols):
                offered[name] = offered.get(name, 0) + 1
        return [name for name, count in offered.items() if count == len(members)]

    def select_protocol(self) -> str:
        """Each member votes for its favourite among those that all know; most votes win."""
        candidates = self._common_protocols()
        votes: dict[str, int] = {}
        for member in self.members.values():
            vote = member.vote(candidates)
            votes[vote] = votes.get(vote, 0) + 1
        return max(votes, key=lambda name: votes[name])

    @property
    def awaiting_join(self) -> list[Member]:
        """The members whose JoinGroup waits."""
        return [member for member in self.members.values() if member.join is not None]

    @property
    def not_yet_rejoined(self) -> list[Member]:
        """The members that this rebalance still waits for."""
        return [member for member in self.members.values() if member.join is None]

    @property
    def has_all_joined(self) -> bool:
        """Whether nobody is missing, also of those that only got an id yet."""
        return not self.not_yet_rejoined and not self.pending_joins

    @property
    def rebalance_timeout_ms(self) -> int:
        """The longest that a member wants: how long a rebalance waits."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    def elect_joined_leader(self) -> bool:
        """Make sure that the leader is one who joined; False: nobody did."""
        if self.leader is not None and self.members[self.leader].join is not None:
            return True
        joined = next(iter(self.awaiting_join), None)
        if joined is not None:
            self.leader = joined.member_id
        return joined is not None

    def next_generation(self, now_ms: int) -> str:
        """The rebalance has its members: a new generation; the state before it."""
        self.generation += 1
        self.pending_syncs = {}
        self.protocol = self.select_protocol() if self.members else None
        before = self.move("all joined" if self.members else "nobody joined", now_ms)
        self.topics = self.read_topics()
        return before

    def read_topics(self) -> tuple[str, ...] | None:
        """The topics that its consumers subscribe to; None: it cannot be told."""
        if self.protocol_type is None:
            return None
        if not self.members:
            return ()
        if self.protocol_type != CONSUMER or self.protocol is None:
            return None
        topics: dict[str, None] = {}
        for member in self.members.values():
            subscribed = subscribed_topics(member.metadata(self.protocol))
            if subscribed is None:
                return None
            topics.update(dict.fromkeys(subscribed))
        return tuple(topics)

    def is_subscribed_to(self, topic: str) -> bool:
        """Whether its offsets for this topic are in use; consumers we cannot read use all."""
        return self.protocol_type == CONSUMER if self.topics is None else topic in self.topics

    @property
    def metadata_by_member(self) -> Iterator[tuple[Member, bytes]]:
        """What the leader needs for its plan."""
        return ((member, member.metadata(self.protocol)) for member in self.members.values())

    def check_commit(self, member_id: str, instance_id: str | None, generation: int) -> None:
        """Whether these may commit offsets now.

        Raises:
            KafkaError: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION,
                REBALANCE_IN_PROGRESS (between join and sync).
        """
        if generation < 0 and self.state == EMPTY:
            return
        if generation < 0 and not member_id and instance_id is None:
            raise KafkaError(Error.UNKNOWN_MEMBER_ID)
        self.known(member_id, instance_id)
        if generation != self.generation:
            raise KafkaError(Error.ILLEGAL_GENERATION)
        if self.state == COMPLETING:
            raise KafkaError(Error.REBALANCE_IN_PROGRESS)

    @property
    def is_stable(self) -> bool:
        """Whether everyone has a part of the plan."""
        return self.state == STABLE
