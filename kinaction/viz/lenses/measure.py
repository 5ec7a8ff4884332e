"""How wide a text is, without a browser: so that no two labels are ever drawn over each other.

The widths are the larger of DejaVu Sans (the widest usual font) and Inter, measured in Chromium.
"""

from collections.abc import Sequence

_REGULAR = tuple(map(int, (
    "32 40 46 84 64 95 78 27 39 39 50 84 32 46 32 36 64 64 64 64 64 64 64 64 64 64 34 34 84 84 84 "
    "53 100 68 69 73 77 63 59 77 75 29 54 66 57 89 75 79 63 79 69 64 64 74 68 99 69 66 69 39 36 39 "
    "84 50 50 61 63 56 63 62 36 63 63 28 28 58 28 97 63 61 63 63 41 52 39 63 59 82 59 59 54 64 34 "
    "64 84"
).split()))
_BOLD = tuple(map(int, (
    "35 46 52 84 70 100 87 31 46 46 56 84 38 47 38 39 70 70 70 70 70 70 70 70 70 70 40 40 84 84 84 "
    "58 103 77 76 75 83 68 68 82 84 37 57 77 64 100 84 85 73 85 78 72 68 81 77 110 77 72 73 46 41 46 "
    "84 50 58 67 72 59 72 68 44 72 71 34 34 67 34 104 71 69 72 72 49 60 48 71 65 92 65 65 58 71 41 "
    "71 84"
).split()))
_OTHER = {"–": 50, "“": 66, "”": 66, "×": 84, "−": 84, "·": 38, "✓": 88, "✕": 84, "’": 38}
_UNKNOWN = 105


def text_width(text: str, size: int = 11, *, is_bold: bool = False) -> float:
    """The width in px that a text needs in the widest usual font.

    Example:
        >>> text_width("m1") < text_width("m1", is_bold=True) < 20
        True
    """
    widths = _BOLD if is_bold else _REGULAR
    hundredths = sum(
        widths[ord(letter) - 32] if " " <= letter <= "~" else _OTHER.get(letter, _UNKNOWN)
        for letter in text
    )
    return hundredths * size / 100


def wrap(text: str, width: float, size: int = 11, *, is_bold: bool = False) -> tuple[str, ...]:
    """The text in lines of at most `width` px; broken at spaces and after underscores only.

    Example:
        >>> wrap("known: it is offset 2", 70)
        ('known: it is', 'offset 2')
    """
    lines: list[str] = []
    for word in text.replace("_", "_\u200b").replace("\u200b", " \u200b").split(" "):
        is_glued = word.startswith("\u200b")
        word = word.lstrip("\u200b")
        joined = f"{lines[-1]}{'' if is_glued else ' '}{word}" if lines else word
        if lines and text_width(joined, size, is_bold=is_bold) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return tuple(lines)


def widest(lines: Sequence[str], size: int = 11, *, is_bold: bool = False) -> float:
    """The width of the widest of these lines."""
    return max((text_width(line, size, is_bold=is_bold) for line in lines), default=0.0)


def shortened(text: str, width: float, size: int = 11, *, is_bold: bool = False) -> str:
    """The text if it fits in `width` px, else its head and an ellipsis, else nothing.

    Example:
        >>> shortened("orders-0", 30)
        'or…'
    """
    if text_width(text, size, is_bold=is_bold) <= width:
        return text
    for length in range(len(text) - 1, 0, -1):
        head = f"{text[:length]}…"
        if text_width(head, size, is_bold=is_bold) <= width:
            return head
    return ""
