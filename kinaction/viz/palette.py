"""The one palette of all pictures, light and dark, and the contrast it keeps.

The table of the design: each colour by what it means. Text reaches 4.5:1 on page and panel, marks
reach 3:1; the few below that carry no fact of the present (lane hairlines, box edges).
"""

from collections.abc import Mapping

THEMES = ("light", "dark")

COLOURS: Mapping[str, tuple[str, str]] = {
    "bg": ("#ffffff", "#12161b"),
    "panel": ("#f5f7fa", "#1a2027"),
    "edge": ("#d3dae3", "#333d48"),
    "rule": ("#7d8998", "#77848f"),
    "lane": ("#dde3ea", "#2a323b"),
    "ink": ("#1a2129", "#e8edf2"),
    "muted": ("#525c68", "#a3afbc"),
    "cell": ("#cfdcec", "#2f4964"),
    "commit": ("#456a96", "#8fb4dc"),
    "cellink": ("#1d2f45", "#e4eefa"),
    "ontoken": ("#ffffff", "#0d1116"),
    "produce": ("#0069a8", "#6cbcf2"),
    "replicate": ("#9a4080", "#e6a0cd"),
    "ack": ("#00764f", "#45d1a2"),
    "consume": ("#955700", "#f5b54a"),
    "control": ("#4b4fa8", "#b3b6ff"),
    "error": ("#b83f00", "#ff9060"),
    "good": ("#d5eee2", "#12392d"),
    "warn": ("#fbe6c8", "#41300f"),
    "bad": ("#fbdccb", "#4a2413"),
    "dup": ("#eadcf5", "#3a2a4a"),
}
"""name -> (light, dark), as #rrggbb."""

KINDS = ("produce", "replicate", "ack", "consume", "control", "error")
"""The kinds of traffic: each has a colour of its name and a shape of its own."""

FONTS = 'Inter,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif'


def colour(name: str, theme: str = "light") -> str:
    """A colour of the table as #rrggbb.

    Raises:
        ValueError: there is no such theme.
    """
    return COLOURS[name][THEMES.index(theme)]


def variables(theme: str, names: tuple[str, ...] = tuple(COLOURS)) -> str:
    """CSS declarations of a theme: "--bg:#ffffff;--panel:…"."""
    return ";".join(f"--{name}:{colour(name, theme)}" for name in names)


def contrast(first: str, second: str) -> float:
    """The WCAG 2 contrast ratio of two colours, 1.0 to 21.0."""
    one, other = sorted((luminance(first), luminance(second)))
    return (other + 0.05) / (one + 0.05)


def luminance(rgb: str) -> float:
    """The relative luminance (WCAG 2) of #rrggbb, 0.0 to 1.0."""
    red, green, blue = (_linear(int(rgb[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    if channel <= 0.04045:
        return channel / 12.92
    return float(((channel + 0.055) / 1.055) ** 2.4)
