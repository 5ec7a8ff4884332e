"""Runs the widget's modules under node, where there is one: the functions that the browser runs."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from kinaction.viz.bundle import script
from kinaction.viz.metrics import UNKNOWN, WIDEST

NODE = shutil.which("node")
METRICS = {"unknown": UNKNOWN, **{str(key): held for key, held in WIDEST.items()}}
needs_node = pytest.mark.skipif(NODE is None, reason="no node on this machine")


def run(body: str, given: Any) -> Any:
    """What `body` (statements that use `given` and return a value) makes of JSON-able data."""
    assert NODE is not None
    code = script().replace("export default { render };", "")
    code += f"""
import {{ readFileSync }} from "node:fs";
const given = JSON.parse(readFileSync(0, "utf8"));
const answer = (() => {{ {body} }})();
process.stdout.write(JSON.stringify(answer));
"""
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder) / "run.mjs"
        module.write_text(code, encoding="utf-8")
        done = subprocess.run([NODE, str(module)], input=json.dumps(given), text=True,
                              capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
