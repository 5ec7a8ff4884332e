"""`AdminGroups`: an admin's questions about groups, asked of their coordinators."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from kinaction.client.changes import Changes, Result, nothing
from kinaction.client.coordinator import COORDINATOR
from kinaction.client.network import Place
from kinaction.client.values import GroupInfo, GroupListing, MemberInfo
from kinaction.kernel.machine import handles_call
from kinaction.wire.errors import Error, KafkaError
from kinaction.wire.messages import (
    DeleteGroupsRequest,
    DescribeGroupsRequest,
    FindCoordinatorRequest,
    ListGroupsRequest,
    MetadataRequest,
)


class AdminGroups:
    """Answers "list_groups", "describe_group", "delete_group"."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.outbox = changes.outbox
        self.network = changes.network
        self.metadata = changes.network.metadata
        self.asker = changes.asker

    @handles_call("list_groups")
    def on_list_groups(self, call: int) -> None:
        """Returned(call, groups of all brokers, sorted by name)."""
        found: dict[str, GroupListing] = {}
        left = dict.fromkeys(self.metadata.brokers)

        def then(broker: int, answer: Any, error: KafkaError | None) -> None:
            if broker not in left:
                return
            if error is not None:
                left.clear()
                self.outbox.returned(call, error=error)
                return
            del left[broker]
            for group in answer.groups:
                found[group.group_id] = GroupListing(
                    group.group_id, group.group_state, group.protocol_type, group.group_type)
            if not left:
                self.outbox.returned(call, tuple(found[name] for name in sorted(found)))

        if not left:
            self._after_metadata(call, lambda: self.on_list_groups(call))
            return
        for broker in list(left):
            self.asker.ask(
                f"ListGroups of broker {broker}",
                partial(self.network.broker_place, broker),
                ListGroupsRequest, lambda answer: Error(answer.error_code),
                partial(then, broker),
                timeout_ms=self.changes.timeout_ms,
            )

    def _after_metadata(self, call: int, then: Callable[[], None]) -> None:
        """Once brokers are known; they are asked for when the client starts."""

        def told(answer: Any, error: KafkaError | None) -> None:
            if error is not None:
                self.outbox.returned(call, error=error)
                return
            self.metadata.learn(answer)
            then()

        self.asker.ask(
            "Metadata", self.network.any_place, lambda: MetadataRequest(topics=()),
            lambda answer: Error(answer.error_code), told, timeout_ms=self.changes.timeout_ms,
        )

    @handles_call("describe_group")
    def on_describe_group(self, call: int, group: str) -> None:
        """Returned(call, GroupInfo): state, protocol and members of a classic group."""
        self._ask_coordinator(
            call, group, "DescribeGroups", DescribeGroupsRequest(groups=(group,)),
            lambda answer: [(g.error_code, g.error_message, group) for g in answer.groups],
            lambda answer: group_info(answer.groups[0]),
        )

    @handles_call("delete_group")
    def on_delete_group(self, call: int, group: str) -> None:
        """Delete a group that has no members, with its commits."""
        self._ask_coordinator(
            call, group, "DeleteGroups", DeleteGroupsRequest(groups_names=(group,)),
            lambda answer: [(r.error_code, None, group) for r in answer.results],
            nothing,
        )

    def _ask_coordinator(
        self,
        call: int,
        group: str,
        name: str,
        body: Any,
        results: Callable[[Any], Iterable[Result]],
        answer_with: Callable[[Any], Any],
    ) -> None:
        def found(answer: Any, error: KafkaError | None) -> None:
            if error is not None:
                self.outbox.returned(call, error=error)
                return
            there = answer.coordinators[0]
            place: Place = (COORDINATOR, (there.host, there.port))
            self.changes.ask(call, name, body, results, answer_with, lambda: place)

        self.asker.ask(
            "FindCoordinator", self.network.any_place,
            lambda: FindCoordinatorRequest(key_type=0, coordinator_keys=(group,)),
            lambda answer: Error(answer.coordinators[0].error_code), found,
            timeout_ms=self.changes.timeout_ms,
        )


def group_info(told: Any) -> GroupInfo:
    """A group of DescribeGroups as a value."""
    return GroupInfo(
        told.group_id, told.group_state, told.protocol_type, told.protocol_data,
        tuple(
            MemberInfo(
                member.member_id, member.client_id, member.client_host, member.group_instance_id,
                bytes(member.member_assignment),
            )
            for member in told.members
        ),
    )
