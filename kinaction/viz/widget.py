"""The anywidget of the player. Imported only where a notebook listens."""

from typing import Any

import anywidget
import traitlets

from kinaction.viz.bundle import script, stylesheet


class PlayerWidget(anywidget.AnyWidget):
    """The player's model: what travels between the notebook and the browser.

    `trace`: the film, gzip JSON. `step`: the seq it stands at (-1: the first). `speed`: virtual ms
    a ms (0: so that the median flight takes 0.7 s). `selected`: "record:t-0/12", "message:57",
    "broker:2" or "". `command`: what a button asks for, JSON; `answer`: what came of it.
    """

    _esm = script()
    _css = stylesheet()
    trace = traitlets.Bytes(b"").tag(sync=True)
    step = traitlets.Int(-1).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)
    speed = traitlets.Float(0.0).tag(sync=True)
    selected = traitlets.Unicode("").tag(sync=True)
    command = traitlets.Unicode("").tag(sync=True)
    answer = traitlets.Unicode("").tag(sync=True)
    can_act = traitlets.Bool(False).tag(sync=True)

    def __repr__(self) -> str:
        return f"Player at step {self.step}"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return super()._repr_mimebundle_(**options)
