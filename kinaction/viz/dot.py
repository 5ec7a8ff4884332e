"""Graphviz as the layout engine: a `Graph` becomes DOT, DOT becomes places for boxes and arrows.

The executable is the wheel graphviz-pure (the same bytes on every machine); where it is missing,
the packaged layout of a built-in diagram, then `dot` on the PATH; else there is no layout.
"""

import re
import shutil
import sys
import sysconfig
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

from kinaction.kernel.graph import Edge, Graph
from kinaction.kernel.value import value
from kinaction.viz.metrics import text_width

POINTS = 72
NODE_FONT, EDGE_FONT = 13, 11
_SVG = "{http://www.w3.org/2000/svg}"


@value
class Word:
    """A line of text, centred at x on the baseline y."""

    x: float
    y: float
    text: str


@value
class Box:
    """Where a node stands: the centre, width and height, and its lines."""

    id: str
    x: float
    y: float
    w: float
    h: float
    words: tuple[Word, ...]


@value
class Route:
    """Where an edge runs: a path, the corners of its head, and what is written on it."""

    source: str
    target: str
    d: str
    head: str
    words: tuple[Word, ...]


@value
class Layout:
    """A laid-out graph, in px."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]


def dot_source(graph: Graph, rankdir: str = "LR") -> str:
    """The graph as DOT. Edges between the same two nodes become one, with a line for each label."""
    import graphviz

    built = graphviz.Digraph(
        graph.name,
        graph_attr={"rankdir": rankdir, "nodesep": "0.3", "ranksep": "0.35", "pad": "0.1"},
        node_attr={"shape": "box", "fontname": "DejaVu Sans", "fontsize": str(NODE_FONT),
                   "fixedsize": "true"},
        edge_attr={"fontname": "DejaVu Sans", "fontsize": str(EDGE_FONT)},
    )
    for node in graph.nodes:
        lines = node.label.split("\n")
        width = max(text_width(line, NODE_FONT) for line in lines) + 26
        height = 17 * len(lines) + 16
        built.node(node.id, node.label.replace("\n", "\\n"), width=f"{width / POINTS:.3f}",
                   height=f"{height / POINTS:.3f}")
    first = [node.id for node in graph.nodes if "first" in node.marks]
    if first:
        with built.subgraph(graph_attr={"rank": "source"}) as sources:
            for node_id in first:
                sources.node(node_id)
    for (source, target), labels in _joined(graph.edges).items():
        # A blank on each side keeps the edge off its label.
        built.edge(source, target, label="\\n".join(f" {label} " for label in labels if label))
    return str(built.source)


def _joined(edges: tuple[Edge, ...]) -> dict[tuple[str, str], list[str]]:
    joined: dict[tuple[str, str], list[str]] = {}
    for edge in edges:
        joined.setdefault((edge.source, edge.target), []).append(edge.label)
    return joined


def executable() -> Path | None:
    """graphviz-pure, from this environment or the PATH; else `dot` from the PATH; else None."""
    name = "graphviz-pure.exe" if sys.platform == "win32" else "graphviz-pure"
    beside = Path(sysconfig.get_path("scripts")) / name
    if beside.exists():
        return beside
    found = shutil.which("graphviz-pure") or shutil.which("dot")
    return Path(found) if found else None


def point_graphviz_at(binary: Path) -> None:
    """Let the graphviz package run this executable.

    The package has no public setting for it: this function is the one place that knows where the
    constant is, and a test fails when it moves.
    """
    from graphviz.backend import dot_command

    dot_command.DOT_BINARY = binary


def rendered(source: str, name: str = "") -> str | None:
    """The SVG that Graphviz makes of DOT, or the packaged one of that very DOT, or None."""
    binary = executable()
    if binary is not None and binary.stem == "graphviz-pure":
        return _run(binary, source)
    kept = packaged(name, source)
    if kept is None and binary is not None:
        return _run(binary, source)
    return kept


def _run(binary: Path, source: str) -> str | None:
    import graphviz

    point_graphviz_at(binary)
    try:
        return str(graphviz.Source(source).pipe("svg", encoding="utf-8", quiet=True))
    except (OSError, graphviz.ExecutableNotFound, graphviz.CalledProcessError):
        return None


def packaged(name: str, source: str) -> str | None:
    """The packaged SVG of a built-in diagram, if it was made from this DOT."""
    kept = files("kinaction.viz") / "diagrams" / f"{name}.svg"
    if not name or not kept.is_file():
        return None
    svg = kept.read_text("utf-8")
    return svg if fingerprint(source) in svg else None


def fingerprint(source: str) -> str:
    """What a packaged SVG carries to say of which DOT it is."""
    return "dot:" + sha256(source.encode()).hexdigest()[:16]


def layout(svg: str) -> Layout:
    """Read the places off Graphviz's SVG."""
    root = ET.fromstring(svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    top = root.find(f"{_SVG}g")
    assert top is not None, "Graphviz draws everything in one group"
    shift = re.search(r"translate\(([-\d.]+)[ ,]([-\d.]+)\)", top.attrib["transform"])
    assert shift is not None, "Graphviz shifts that group into the picture"
    dx, dy = float(shift[1]), float(shift[2])
    boxes, routes = [], []
    for part in top.findall(f"{_SVG}g"):
        title = part.findtext(f"{_SVG}title", "")
        words = tuple(_word(word, dx, dy) for word in part.iter(f"{_SVG}text"))
        if part.attrib["class"] == "node":
            boxes.append(_box(part, title, dx, dy, words))
        else:
            routes.append(_route(part, title, dx, dy, words))
    return Layout(width, height, tuple(boxes), tuple(routes))


def _word(part: ET.Element, dx: float, dy: float) -> Word:
    x, y = float(part.attrib["x"]) + dx, float(part.attrib["y"]) + dy
    return Word(x, y, (part.text or "").strip())


def _box(
    part: ET.Element, title: str, dx: float, dy: float, words: tuple[Word, ...]
) -> Box:
    shape = part.find(f"{_SVG}polygon")
    assert shape is not None, "a node is drawn as a polygon"
    corners = [tuple(map(float, corner.split(","))) for corner in shape.attrib["points"].split()]
    left, right = min(c[0] for c in corners), max(c[0] for c in corners)
    top, low = min(c[1] for c in corners), max(c[1] for c in corners)
    return Box(title, (left + right) / 2 + dx, (top + low) / 2 + dy, right - left, low - top, words)


def _route(
    part: ET.Element, title: str, dx: float, dy: float, words: tuple[Word, ...]
) -> Route:
    source, _, target = title.partition("->")
    drawn = part.find(f"{_SVG}path")
    head = part.find(f"{_SVG}polygon")
    assert drawn is not None, "an edge is drawn as a path"
    points = "" if head is None else _shifted(head.attrib["points"], dx, dy)
    return Route(source, target, _shifted(drawn.attrib["d"], dx, dy), points, words)


def _shifted(coordinates: str, dx: float, dy: float) -> str:
    def move(pair: re.Match[str]) -> str:
        return f"{float(pair[1]) + dx:.1f},{float(pair[2]) + dy:.1f}"

    return re.sub(r"(-?[\d.]+),(-?[\d.]+)", move, coordinates)
