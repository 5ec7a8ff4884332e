"""State diagrams and graphs, drawn from the code's own tables: what runs is what is shown.

The layout is Graphviz's and knows no state; which state is lit, and which transition was the last,
is written over it, so that one layout serves every moment.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinaction.kernel.graph import Graph, Node
from kinaction.kernel.states import StateTable
from kinaction.viz import dot
from kinaction.viz.lenses import svg
from kinaction.viz.metrics import text_width
from kinaction.viz.picture import Picture

WIDEST = 940
"""A diagram that is wider than this from left to right is laid out from top to bottom."""
COMMON = 3
"""From this many states on, what every state does alike is said once, under the diagram."""
MARGIN = 10
DIRECTIONS = ("LR", "TB")

_CSS = (
    ".kn .edge path{fill:none;stroke:var(--rule);stroke-width:1.5}"
    ".kn .edge polygon{fill:var(--rule);stroke:none}.kn .edge text{fill:var(--muted)}"
    ".kn .edge text,.kn .note{paint-order:stroke;stroke:var(--bg);stroke-width:3px}"
    ".kn .node rect{fill:var(--panel);stroke:var(--rule);stroke-width:1.5}"
    ".kn .node.current rect{fill:var(--produce);stroke:var(--produce)}"
    ".kn .node.current text{fill:var(--ontoken);font-weight:650}"
    ".kn .edge.last path{stroke:var(--produce);stroke-width:2.5}"
    ".kn .edge.last polygon{fill:var(--produce)}"
    ".kn .edge.last text{fill:var(--produce);font-weight:650}"
    ".kn .mover{fill:var(--produce);stroke:var(--bg);stroke-width:1.5}"
)
_ESM = Path(__file__).parent / "static" / "states.js"


def state_diagram(
    table: StateTable, current: str | None = None, last: tuple[str, str] | None = None
) -> Picture:
    """The table as a diagram, the current state lit.

    Args:
        last: the last transition as (state before, event); drawn along its edge.

    Raises:
        ValueError: the table has no such state.
    """
    if current is not None and current not in table.transitions:
        known = ", ".join(table.transitions)
        raise ValueError(f"{table.name} has no state {current!r}; its states are {known}")
    drawn, common = without_common(_first_marked(table, current))
    moved = (last[0], table.next(*last)) if last else None
    sentence = _sentence(table, current, last)
    return _picture(drawn, sentence, common, current, moved)


def graph_picture(graph: Graph, sentence: str | None = None) -> Picture:
    """Any graph: a topology, a chain of tasks. Nodes marked "current" are lit."""
    lit = [node.label for node in graph.nodes if "current" in node.marks]
    told = sentence or (
        f"{graph.name}: {len(graph.nodes)} nodes, {len(graph.edges)} edges"
        + (f"; lit: {', '.join(lit)}." if lit else ".")
    )
    return _picture(graph, told, (), None, None)


def _first_marked(table: StateTable, current: str | None) -> Graph:
    graph = table.graph(current)
    nodes = tuple(
        Node(node.id, node.label, (*node.marks, "first")) if node.id == table.first else node
        for node in graph.nodes
    )
    return Graph(graph.name, nodes, graph.edges)


def without_common(graph: Graph) -> tuple[Graph, tuple[str, ...]]:
    """The graph without the moves that every state knows, and those moves in words."""
    states = [node.id for node in graph.nodes]
    takers: dict[tuple[str, str], list[str]] = {}
    for edge in graph.edges:
        takers.setdefault((edge.label, edge.target), []).append(edge.source)
    common = {
        move for move, sources in takers.items()
        if len(states) >= COMMON and sorted(sources) == sorted(states)
    }
    edges = tuple(edge for edge in graph.edges if (edge.label, edge.target) not in common)
    words = tuple(f"{label} → {target}" for label, target in takers if (label, target) in common)
    return Graph(graph.name, graph.nodes, edges), words


def _sentence(table: StateTable, current: str | None, last: tuple[str, str] | None) -> str:
    said = f"{table.name}: {len(table.transitions)} states"
    if current is not None:
        said += f", now {current}"
    if last is not None:
        said += f", from {last[0]} by {last[1]!r}"
    return said + "."


def _picture(
    graph: Graph, sentence: str, common: Sequence[str], current: str | None,
    moved: tuple[str, str] | None,
) -> Picture:
    laid = laid_out(graph)
    if laid is None:
        return Picture(sentence, _as_text(graph, sentence), f"{sentence} {_told(graph)}")
    drawn = diagram(graph, laid, sentence, common, moved)

    def live() -> Any:
        from kinaction.viz.lenses.live import live

        inline = drawn.replace(svg.style(_CSS), svg.style(_CSS, is_inline=True))
        moves = "" if moved is None else f"{moved[0]}->{moved[1]}"
        return live(_ESM, inline, {"current": current, "moved": moves}, sentence)

    return Picture(sentence, drawn, f"{sentence} {_told(graph)}", live)


def laid_out(graph: Graph) -> dot.Layout | None:
    """The layout that fits best: left to right, or top to bottom when that would be too wide."""
    best: dot.Layout | None = None
    for rankdir in DIRECTIONS:
        made = dot.rendered(dot.dot_source(graph, rankdir), packaged_name(graph.name, rankdir))
        if made is None:
            continue
        laid = dot.layout(made)
        if laid.width <= WIDEST:
            return laid
        if best is None or laid.width < best.width:
            best = laid
    return best


def packaged_name(name: str, rankdir: str) -> str:
    """The file of a built-in diagram's layout in viz/diagrams, without its suffix."""
    return f"{name.replace(' ', '_')}_{rankdir.lower()}"


def pack(table: StateTable, folder: Path) -> None:
    """Write the layouts of a built-in diagram; needs graphviz-pure.

    A test says when a table has changed and its layout must be packed again.
    """
    graph, _ = without_common(_first_marked(table, None))
    for rankdir in DIRECTIONS:
        source = dot.dot_source(graph, rankdir)
        made = dot.rendered(source)
        assert made is not None, "graphviz-pure is part of the development environment"
        kept = made.replace("<g id=", f"<!-- {dot.fingerprint(source)} -->\n<g id=", 1)
        (folder / f"{packaged_name(table.name, rankdir)}.svg").write_text(kept, "utf-8")


def diagram(
    graph: Graph, laid: dot.Layout, label: str, common: Sequence[str],
    moved: tuple[str, str] | None,
) -> str:
    """The drawing: edges, boxes, and the moves that all states share."""
    marks = {node.id: " ".join(node.marks) for node in graph.nodes}
    body = [f'<g transform="translate({MARGIN} {MARGIN})">']
    body += [_edge(route, (route.source, route.target) == moved) for route in laid.routes]
    body += [_node(box, marks.get(box.id, "")) for box in laid.boxes]
    body.append("</g>")
    width, height = laid.width + 2 * MARGIN, laid.height + 2 * MARGIN
    if common:
        words = f"in any state: {' · '.join(common)}"
        width = max(width, text_width(words) + 32)
        height += 20
        body.append(svg.text(16, height - 12, words, "m note"))
    return svg.document(width, height, body, label=label, css=_CSS)


def _edge(route: dot.Route, is_last: bool) -> str:
    parts = [f'<path d="{route.d}"/>', f'<polygon points="{route.head}"/>']
    parts += [svg.text(word.x, word.y, word.text, "mid") for word in route.words if word.text]
    css = "edge last" if is_last else "edge"
    return f'<g class="{css}" data-edge="{_attribute(f"{route.source}->{route.target}")}">' + (
        "".join(parts) + "</g>"
    )


def _node(box: dot.Box, marks: str) -> str:
    parts = [svg.rect(box.x - box.w / 2, box.y - box.h / 2, box.w, box.h, "", 9)]
    parts += [svg.text(word.x, word.y, word.text, "mid t13") for word in box.words]
    css = f"node {marks}".strip()
    return f'<g class="{css}" data-node="{_attribute(box.id)}">{"".join(parts)}</g>'


def _attribute(words: str) -> str:
    return words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _told(graph: Graph) -> str:
    return " ".join(f"{edge.source} to {edge.target}: {edge.label}." for edge in graph.edges)


def _as_text(graph: Graph, label: str) -> str:
    """Without any layout: the DOT text, so that nothing is hidden."""
    lines = dot.dot_source(graph).rstrip().split("\n")
    body = [
        svg.text(16, 26 + 15 * row, line.replace("\t", "    "), "", 'xml:space="preserve"')
        for row, line in enumerate(lines)
    ]
    width = max(text_width(line.replace("\t", "    ")) for line in lines) + 32
    return svg.document(width, 26 + 15 * len(lines), body, label=label)


