"""The live face of a lens: its own SVG inline, and one small ES module that moves marks in it."""

from pathlib import Path
from typing import Any


def live(esm: Path, svg: str, data: dict[str, Any], spoken: str) -> Any:
    """An anywidget that shows `svg` and hands `data` to the module.

    What the reader picks comes back in the trait `chosen` (a dict).
    """
    import anywidget
    import traitlets

    class Lens(anywidget.AnyWidget):
        """One lens in a notebook."""

        _esm = esm.read_text("utf-8")
        svg = traitlets.Unicode().tag(sync=True)
        data = traitlets.Dict().tag(sync=True)
        spoken = traitlets.Unicode().tag(sync=True)
        chosen = traitlets.Dict().tag(sync=True)

        def __repr__(self) -> str:
            return str(self.spoken)

    return Lens(svg=svg, data=data, spoken=spoken)
