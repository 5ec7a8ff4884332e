"""`Picture`: everything that is shown has three faces: a sentence, a static picture, a widget.

The sentence and the static picture are the same in every run, so that a stored notebook output is
a regression test; the widget is made only when a live notebook asks for it.
"""

from base64 import b64encode
from collections.abc import Callable
from html import escape
from typing import Any

VIEW = "application/vnd.jupyter.widget-view+json"


class Picture:
    """A picture with its sentence.

    Args:
        text: one stable sentence; the repr.
        svg: a self-contained SVG document with its own style.
        alt: what a screen reader hears of the static picture.
        widget: makes the live widget (anything with `_repr_mimebundle_`), or None.
    """

    def __init__(
        self, text: str, svg: str, alt: str, widget: Callable[[], Any] | None = None
    ) -> None:
        self.text = text
        self.svg = svg
        self.alt = alt
        self._make_widget = widget
        self._widget: Any = None

    @property
    def widget(self) -> Any:
        """The live widget, made at the first look; None for a picture that has none."""
        if self._widget is None and self._make_widget is not None:
            self._widget = self._make_widget()
        return self._widget

    def html(self) -> str:
        """The static picture as an image: shown even in a notebook that is not trusted."""
        data = b64encode(self.svg.encode()).decode()
        return (
            f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(self.alt)}" '
            'style="max-width:100%">'
        )

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": self.text, "text/html": self.html()}
        live = self.widget
        if live is not None:
            shown = live._repr_mimebundle_()
            data = shown[0] if isinstance(shown, tuple) else shown or {}
            if VIEW in data:
                bundle[VIEW] = data[VIEW]
        return bundle
