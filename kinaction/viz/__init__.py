"""Floor 9: pictures, computed from the trace: player, card, tables, lenses. Decides nothing.

Everything is imported when it is first asked for, so that `import kinaction` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kinaction.viz.card import static_card
    from kinaction.viz.export import to_html
    from kinaction.viz.frame import trace_frame
    from kinaction.viz.picture import Picture
    from kinaction.viz.theatre import player

_HOMES = {
    "Picture": "picture", "player": "theatre", "static_card": "card", "to_html": "export",
    "trace_frame": "frame",
}
__all__ = ["Picture", "player", "static_card", "to_html", "trace_frame"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"kinaction.viz has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"kinaction.viz.{_HOMES[name]}"), name)
