"""What the broker that is asked checks of AlterConfigs before the controller sees it.

A broker's own configs can only be changed through it, and loggers are its own affair
(kafka.server.ConfigAdminManager).
"""

from collections.abc import Callable
from typing import Any

from kinaction.controller.config_control import LOGGER_RESOURCE
from kinaction.controller.image import BROKER_RESOURCE
from kinaction.wire import messages
from kinaction.wire.errors import Error, KafkaError

Complete = Callable[[Any | None], Any]
"""The controller's response about the rest -> the response about everything."""


class LocalConfigs:
    """Splits requests about configs by who decides."""

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id

    def split(self, request: Any) -> tuple[Any | None, Complete]:
        """What is left for the controller (None: nothing), and how to complete its response."""
        refused: dict[int, KafkaError] = {}
        for index, resource in enumerate(request.resources):
            problem = self._problem(resource)
            if problem is not None:
                refused[index] = problem
        kind: Any = getattr(messages, type(request).__name__.replace("Request", "Response"))

        def complete(response: Any | None) -> Any:
            answered = iter(response.responses if response is not None else ())
            parts = tuple(
                _part(kind, resource, refused[index]) if index in refused else next(answered)
                for index, resource in enumerate(request.resources)
            )
            return kind(responses=parts)

        rest = tuple(
            resource for index, resource in enumerate(request.resources) if index not in refused)
        return (request.replace(resources=rest) if rest else None), complete

    def _problem(self, resource: Any) -> KafkaError | None:
        name = resource.resource_name
        if resource.resource_type == BROKER_RESOURCE and name and name != str(self.node_id):
            return KafkaError(
                Error.INVALID_REQUEST,
                f"Unexpected broker id, expected {self.node_id} or empty string, got {name!r}.")
        if resource.resource_type == LOGGER_RESOURCE:
            if name != str(self.node_id):
                return KafkaError(
                    Error.INVALID_REQUEST,
                    f"Unexpected broker id, expected {self.node_id}, got {name!r}.")
            return KafkaError(Error.INVALID_CONFIG, "There is no logger of that name.")
        return None


def _part(kind: Any, resource: Any, problem: KafkaError) -> Any:
    return kind.AlterConfigsResourceResponse(
        error_code=problem.error, error_message=problem.message,
        resource_type=resource.resource_type, resource_name=resource.resource_name)
