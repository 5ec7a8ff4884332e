"""Texts in lines: what a lens writes beside its marks is wrapped before it is placed."""

from collections.abc import Sequence

from kinaction.viz.metrics import REGULAR, text_width


def wrap(text: str, width: float, size: int = 11, weight: int = REGULAR) -> tuple[str, ...]:
    """The text in lines of at most `width` px; broken at spaces and after underscores only.

    Example:
        >>> wrap("known: it is offset 2", 75)
        ('known: it is', 'offset 2')
    """
    lines: list[str] = []
    for word in text.replace("_", "_\n").replace(" ", " \n").split("\n"):
        joined = f"{lines[-1]}{word}" if lines else word
        if lines and text_width(joined.rstrip(), size, weight) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return tuple(line.rstrip() for line in lines if line.strip())


def widest(lines: Sequence[str], size: int = 11, weight: int = REGULAR) -> float:
    """The width of the widest of these lines."""
    return max((text_width(line, size, weight) for line in lines), default=0.0)
