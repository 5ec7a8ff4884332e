"""The player: a trace to play, step, scrub, inspect and break; and its twin without a kernel.

The browser owns the clock, Python owns the truth: the trace travels once, compressed; step,
selection and speed come back when the player rests. What a button asks for is answered by
`on_command`, which the cluster's facade gives.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from kinaction.kernel.trace import Trace
from kinaction.viz.bundle import script, stylesheet
from kinaction.viz.card import card_of
from kinaction.viz.film import Film
from kinaction.viz.payload import filmed, packed, payload_of
from kinaction.viz.picture import Picture
from kinaction.viz.plan import Plan, plan_of
from kinaction.viz.story import headline, last_words

OnCommand = Callable[[dict[str, Any]], Any]
"""Takes {"do", "at": seq, "message": n or "node": id, "ms": n, "run_ms": n, "code"}.

Returns what to show next (a Trace, or a cluster with `trace` and `on_command`), a sentence or None.
"""

ACTS: tuple[dict[str, str], ...] = (
    {"do": "drop", "for": "message", "label": "drop {it}", "key": "d",
     "code": "drop(message={id})"},
    {"do": "delay", "for": "message", "label": "delay it", "key": "l",
     "code": "delay(message={id}, ms=1000)"},
    {"do": "duplicate", "for": "message", "label": "duplicate it", "key": "u",
     "code": "duplicate(message={id})"},
    {"do": "kill", "for": "running", "label": "kill {it}", "key": "k", "code": "kill({id})"},
    {"do": "isolate", "for": "running", "label": "isolate {it}", "key": "i",
     "code": "isolate({id})"},
    {"do": "pause", "for": "running", "label": "pause {it}", "key": "p", "code": "pause({id})"},
    {"do": "restart", "for": "offline", "label": "restart {it}", "key": "r",
     "code": "restart({id})"},
    {"do": "resume", "for": "paused", "label": "resume {it}", "key": "p", "code": "resume({id})"},
    {"do": "fork", "for": "moment", "label": "fork here: what if …", "key": "f",
     "code": "fork(at={seq})"},
)
"""What can be done, to what, under which key, and the call that does the same."""

RUN_ON_MS = 40_000
"""How far another future runs on: past request.timeout.ms and a broker's session."""


class Player(Picture):
    """The picture of a trace: its sentence, its card, and the live widget.

    `widget` is None where no notebook listens; `show` puts another trace into the live one.
    `of` is what the shown run is called in code: "cluster", or "other" when it is another future.
    """

    def __init__(
        self, trace: Trace, plan: Plan, title: str = "", on_command: OnCommand | None = None
    ) -> None:
        film, self._traffic = filmed(trace, plan)
        self._film = film
        self.trace = trace
        self.plan = plan
        self.title = title
        self.on_command = on_command
        self.of = "cluster"
        name = title or headline(plan)
        super().__init__(
            sentence(film, name), card_of(film, title),
            " ".join([name, *last_words(film, film.last)]), self._widget_of,
        )

    def data(self) -> bytes:
        """The film as gzip bytes: what the widget and an exported page get."""
        data = payload_of(self._film, self._traffic, self.title)
        return packed({**data, "acts": list(ACTS), "of": self.of, "run_on_ms": RUN_ON_MS})

    def show(self, trace: Trace) -> None:
        """Put another trace (a fork's) into the player; columns that it lacks are left out."""
        known = {column.key for column in plan_of(trace, None).columns}
        names = [column.key for column in self.plan.columns]
        self.plan = plan_of(trace, names if known.issuperset(names) else None,
                            leaders_only=self.plan.leaders_only, first_seq=self.plan.first_seq,
                            maps=self.plan.maps)
        self.trace = trace
        self._film, self._traffic = filmed(trace, self.plan)
        if self.widget is not None:
            self.widget.trace = self.data()

    def _widget_of(self) -> Any:
        if not has_notebook():
            return None
        from kinaction.viz.widget import PlayerWidget

        widget = PlayerWidget(trace=self.data(), can_act=self.on_command is not None)
        widget.observe(lambda change: self._on_command(widget, change["new"]), "command")
        return widget

    def _on_command(self, widget: Any, text: str) -> None:
        """Answer an order of the buttons: a new trace is shown, a sentence is said."""
        if not text or self.on_command is None:
            return
        order = json.loads(text)
        nonce = order.pop("nonce", 0)
        try:
            answer = self.on_command(order)
        except Exception as error:  # noqa: BLE001  the learner reads it where the button is
            widget.answer = f"{nonce} {error}"
            return
        trace = answer if isinstance(answer, Trace) else getattr(answer, "trace", None)
        if isinstance(trace, Trace):
            answer = self._turn_to(trace, getattr(answer, "on_command", self.on_command), order)
        widget.answer = f"{nonce} {answer or 'Done.'}"

    def _turn_to(self, trace: Trace, on_command: OnCommand | None, order: dict[str, Any]) -> str:
        """Show what came of an order; the sentence that says what is shown."""
        is_itself = trace is self.trace
        if not is_itself:
            self.of = "other"
        self.on_command = on_command
        self.show(trace)
        if is_itself:
            return "Done to the running cluster itself: it was served, so it cannot be forked."
        return f"Another future. In a cell: {order.get('code', order['do'])}"


def player(
    trace: Trace,
    *,
    title: str = "",
    columns: Sequence[object] | None = None,
    leaders_only: bool = False,
    on_command: OnCommand | None = None,
    first_seq: int = 0,
    maps: bool = False,
) -> Player:
    """The player of a trace, from step `first_seq` on.

    `columns`: partitions to show, as numbers or names; None: the metadata log and all topics that
    are not internal. `leaders_only` hides followers and replication; with `maps` the producers'
    boxes show which brokers and leaders they know.

    Raises:
        ValueError: a column is named that the trace does not know; says which it does.
    """
    plan = plan_of(
        trace, columns, leaders_only=leaders_only, first_seq=first_seq, maps=maps)
    return Player(trace, plan, title, on_command)


def sentence(film: Film, name: str) -> str:
    """The stable one-line text of a picture."""
    steps = len(film.shots)
    if not steps:
        return f"{name}: nothing has happened yet"
    return f"{name}: {steps} steps, {film.start_ms / 1000:.3f} s to {film.end_ms / 1000:.3f} s"


def has_notebook() -> bool:
    """Whether a Jupyter kernel runs here, so that a widget would find its other half."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def widget_code() -> tuple[str, str]:
    """The widget's module and stylesheet."""
    return script(), stylesheet()
