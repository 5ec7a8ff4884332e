"""`CooperativeStickyAssignor`: who read a partition goes on reading it, as far as balance allows.

A partition that changes hands is given to nobody in the first round: its owner gives it up and
all join again, and only then the new owner gets it (KIP-429).
"""

from collections.abc import Mapping, Sequence

from kinaction.client.consumer_protocol import At, Member


class CooperativeStickyAssignor:
    """Balanced within one partition where subscriptions are equal, and moves as few as it can."""

    name = "cooperative-sticky"
    is_cooperative = True

    def assign(self, members: Sequence[Member], counts: Mapping[str, int]) -> dict[str, list[At]]:
        """One round: what moves is left out until its owner has given it up.

        >>> a = Member("a", None, ("t",), (("t", 0), ("t", 1)), 1)
        >>> CooperativeStickyAssignor().assign([a, Member("b", None, ("t",))], {"t": 2})
        {'a': [('t', 0)], 'b': []}
        """
        owners = owners_of(members, counts)
        target = sticky(members, counts, owners)
        return {
            member: sorted(at for at in mine if owners.get(at, member) == member)
            for member, mine in target.items()
        }


def owners_of(members: Sequence[Member], counts: Mapping[str, int]) -> dict[At, str]:
    """Who reads each partition now. Of two who say so, the one of the later generation."""
    owners: dict[At, str] = {}
    for member in sorted(members, key=lambda one: (-one.generation, one.order)):
        for topic, partition in member.owned:
            if topic in member.topics and partition < counts.get(topic, 0):
                owners.setdefault((topic, partition), member.member_id)
    return owners


def sticky(
    members: Sequence[Member], counts: Mapping[str, int], owners: Mapping[At, str]
) -> dict[str, list[At]]:
    """The balanced assignment that is nearest to what is owned."""
    ring = sorted(members, key=lambda one: one.order)
    held: dict[str, list[At]] = {one.member_id: [] for one in ring}
    free: list[At] = []
    for topic in sorted({topic: None for one in ring for topic in one.topics}):
        for partition in range(counts.get(topic, 0)):
            owner = owners.get((topic, partition))
            (free if owner is None else held[owner]).append((topic, partition))
    for at in free:
        readers = [one.member_id for one in ring if at[0] in one.topics]
        held[min(readers, key=lambda one: len(held[one]))].append(at)
    while _move_one(ring, held):
        pass
    return held


def _move_one(ring: Sequence[Member], held: dict[str, list[At]]) -> bool:
    """Move a partition from a member with many to one with at least two fewer; False: none."""
    by_load = sorted(ring, key=lambda one: len(held[one.member_id]))
    for giver in reversed(by_load):
        for taker in by_load:
            mine, theirs = held[giver.member_id], held[taker.member_id]
            if len(mine) - len(theirs) < 2:
                break
            for at in reversed(mine):
                if at[0] in taker.topics:
                    mine.remove(at)
                    theirs.append(at)
                    return True
    return False
