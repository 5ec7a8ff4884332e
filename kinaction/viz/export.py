"""One self-contained page: the player without a kernel and without a network, fully interactive."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path

from kinaction.kernel.trace import Trace
from kinaction.viz.bundle import script, stylesheet
from kinaction.viz.theatre import Player, player

MODEL = """
const state = {
  step: -1, playing: false, speed: 0, selected: "", can_act: false, command: "", answer: "",
  trace: TRACE,
};
const heard = {};
const model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; },
  on: (name, act) => { (heard[name] ??= []).push(act); },
  off: (name, act) => { heard[name] = (heard[name] ?? []).filter((held) => held !== act); },
  save_changes: () => {},
};
""".strip()

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root{{color-scheme:light dark}}
body{{margin:0;background:#fff}}
@media (prefers-color-scheme:dark){{body{{background:#12161b}}}}
h1{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}
{style}
</style>
</head>
<body>
<main><h1>{title}</h1><div id="kinaction-player"></div></main>
<script type="module">
{script}
{model}
const el = document.getElementById("kinaction-player");
render({{ model, el }});
</script>
</body>
</html>
"""


def to_html(
    trace: Trace,
    path: str | Path,
    *,
    title: str = "",
    columns: Sequence[object] | None = None,
    leaders_only: bool = False,
    first_seq: int = 0,
    maps: bool = False,
) -> Path:
    """Write the player of a trace as one HTML file; returns its path.

    Arguments as for `player`.
    """
    shown = player(trace, title=title, columns=columns, leaders_only=leaders_only,
                   first_seq=first_seq, maps=maps)
    target = Path(path)
    target.write_text(page(shown), encoding="utf-8")
    return target


def page(shown: Player) -> str:
    """The page of a player as text."""
    data = b64encode(shown.data()).decode()
    code = script().replace("</script", "<\\/script").replace("export default { render };\n", "")
    return PAGE.format(
        title=escape(shown.title or "kinaction"), style=stylesheet(), script=code,
        model=MODEL.replace("TRACE", f'Uint8Array.from(atob("{data}"), (c) => c.charCodeAt(0))'),
    )
