"""The widget's code: small ES modules joined into one, and its stylesheet. No build step.

Joining drops `import` lines and the word `export`; the modules therefore share one set of names.
"""

import re
from functools import lru_cache

from kinaction.viz.palette import variables
from kinaction.viz.style import mark_rules, scoped, source

MODULES = (
    "marks", "tape", "stage", "film", "routes", "tokens", "labels", "life", "inspector", "heat",
    "timeline", "shell", "scenery", "keys", "drive", "view", "player",
)
"""In an order in which every module comes after those it imports."""


@lru_cache(maxsize=1)
def script() -> str:
    """All modules as one ES module with `render` as its export."""
    return "\n".join(_stripped(source(f"{name}.js")) for name in MODULES)


def _stripped(text: str) -> str:
    text = re.sub(r"^import [^;]*;\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^export default \{ render \};\n", "", text, flags=re.MULTILINE)
    is_door = "export function render(" in text
    text = re.sub(r"^export (async function|function|class|const|let) ", r"\1 ", text,
                  flags=re.MULTILINE)
    return text + ("\nexport default { render };\n" if is_door else "")


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """The stylesheet of the widget: both themes, the marks, the page around them."""
    themes = "\n".join(
        f'.kinaction[data-theme="{theme}"]{{{variables(theme)};color-scheme:{theme}}}'
        for theme in ("light", "dark")
    )
    light = f".kinaction{{{variables('light')}}}"
    page = [source("player.css"), source("traffic.css")]
    return "\n".join([light, themes, scoped(mark_rules(), ".kinaction"), *page])
