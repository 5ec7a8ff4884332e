"""`ShownTrace`: the trace of a cluster, which can also show itself as a table."""

from typing import Any

from kinaction.kernel.trace import Trace


class ShownTrace(Trace):
    """A trace with a face."""

    def to_frame(self) -> Any:
        """A pandas DataFrame: a row for each message that comes or goes, and each other step."""
        from kinaction.viz import trace_frame

        return trace_frame(self)
