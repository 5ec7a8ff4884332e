"""What every lens must keep: no label on another, none outside, no text under 11 px."""

import re

from kinaction.viz.lenses.boxes import Box


def overlapping(labels):
    """Pairs of labels whose boxes, in the widest font, share more than an edge."""
    return [(one.words, other.words) for index, one in enumerate(labels)
            for other in labels[index + 1:] if one.box.overlaps(other.box)]


def outside(labels, width, height):
    page = Box(-0.5, -0.5, width + 1, height + 1)
    return [label.words for label in labels if not label.box.is_within(page)]


def font_sizes(svg):
    """Every font size that the style of a picture names, in px."""
    found = [float(size) for size in re.findall(r"font(?:-size)?:\s*(?:\d+ )?([\d.]+)px", svg)]
    assert found, "a picture names its font sizes"
    return found
