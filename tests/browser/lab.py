"""JupyterLab for the browser tests: `kinaction lab` on a folder of its own, and a notebook in it.

The rule kept: nothing of the machine's own Jupyter is read or written, and the server is ended.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from tests.browser.lab_player import LivePlayer

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+/)lab\S*\?token=(\w+)")
START_LIMIT_S = 120
RUN_LIMIT_MS = 240_000
CONFIG = """
c.LabApp.expose_app_in_browser = True
c.ServerApp.port = 0
c.ServerApp.port_retries = 0
c.ServerApp.ip = "127.0.0.1"
"""
"""Port 0 is one that the machine has free; the token is the server's own, as for a learner."""


class LabServer:
    """`kinaction lab` as a process: its `folder` holds the course and what the tests put there."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self._process = start(folder, home)
        answers = threading.Event()
        self._reader = threading.Thread(target=self._listen, args=(answers,), daemon=True)
        self._reader.start()
        if not answers.wait(START_LIMIT_S) or not self.address:
            self.stop()
            raise AssertionError("JupyterLab did not start; it said:\n" + "".join(self.said[-40:]))

    def _listen(self, answers: threading.Event) -> None:
        """Read what the server says, so that its pipe never fills; note its address."""
        self.address = self.token = ""
        for line in self._process.stdout or ():
            self.said.append(line)
            found = ADDRESS.search(line)
            if found and not self.address:
                self.address, self.token = found.groups()
                answers.set()
        answers.set()

    def url(self, notebook: str) -> str:
        """Where a notebook of the folder opens, alone in its tab."""
        return f"{self.address}lab/tree/{notebook}?token={self.token}&reset"

    def stop(self) -> None:
        """Ctrl-C for the server and its kernels; what does not heed it within 20 s is ended."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._reader.join(10)


def start(folder: Path, home: Path) -> subprocess.Popen[str]:
    """Start it with settings, data and kernels' history in `home`."""
    config = home / "config"
    config.mkdir(parents=True)
    (config / "jupyter_lab_config.py").write_text(CONFIG, encoding="utf-8")
    own = {"JUPYTER_CONFIG_DIR": config, "JUPYTER_DATA_DIR": home / "data",
           "JUPYTER_RUNTIME_DIR": home / "runtime", "IPYTHONDIR": home / "ipython",
           "JUPYTERLAB_SETTINGS_DIR": home / "settings",
           "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces", "KINACTION_PROGRESS": "off"}
    return subprocess.Popen(
        [sys.executable, "-m", "kinaction", "lab", str(folder), "--no-browser"],
        env={**os.environ, **{name: str(value) for name, value in own.items()}},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True)


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """A notebook of code cells."""
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source=cell, id=f"cell-{number}")
               for number, cell in enumerate(cells)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.write(made, path)


class Notebook:
    """A notebook that is open in a page of JupyterLab.

    `troubles` collects what the page complains of, and whom it asks besides the server.
    """

    def __init__(self, page: Any, server: LabServer, name: str, troubles: list[str]) -> None:
        self.page = page
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request",
                lambda asked: is_foreign(asked.url, server) and troubles.append(asked.url))
        page.goto(server.url(name))
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        self.command("application:set-mode", {"mode": "single-document"})
        page.wait_for_function(
            "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=60_000)

    def command(self, name: str, arguments: dict[str, Any] | None = None) -> None:
        """One of JupyterLab's commands, to its end."""
        self.page.evaluate(COMMAND, [name, arguments or {}])

    def run_all(self) -> None:
        """Run all cells; over when the kernel comes to what is asked after the last of them.

        (The command itself is over at the first error, though the kernel goes on.)
        """
        self.page.set_default_timeout(RUN_LIMIT_MS)
        self.command("notebook:run-all-cells")
        assert self.ask("'all ran'") in ("all ran", ""), "nothing when an error ended the run"
        self.page.set_default_timeout(30_000)

    def cell(self, at: int) -> Any:
        """A cell, brought into view."""
        found = self.page.locator(".jp-Notebook .jp-Cell").nth(at)
        found.scroll_into_view_if_needed()
        return found

    def player(self, at: int) -> LivePlayer:
        """The live player that a cell shows."""
        return LivePlayer(self.page, self.cell(at).locator(".kinaction"))

    def active(self) -> tuple[int, int]:
        """Which cell is the active one, and how many cells there are."""
        at, count = self.page.evaluate(
            "(({activeCellIndex, widgets}) => [activeCellIndex, widgets.length])"
            "(jupyterapp.shell.currentWidget.content)")
        return int(at), int(count)

    def ask(self, expression: str) -> str:
        """What an expression is in the kernel, as text."""
        return str(self.page.evaluate(ASK, f"print({expression})")).strip()

    def texts(self) -> list[str]:
        """What each cell printed or answered as text, from the notebook's model."""
        return list(self.page.evaluate(TEXTS))

    def errors(self) -> list[tuple[int, str]]:
        """The cells that ended in an error, and how."""
        return [tuple(each) for each in self.page.evaluate(ERRORS)]

    def executed(self) -> int:
        """How many cells have run."""
        return int(self.page.evaluate(
            "[...jupyterapp.shell.currentWidget.content.model.cells]"
            ".filter((cell) => cell.type === 'code' && cell.executionCount).length"))

    def theme(self, name: str) -> None:
        """JupyterLab's own theme: "light" or "dark"."""
        self.command("apputils:change-theme", {"theme": f"JupyterLab {name.capitalize()}"})
        is_light = "true" if name == "light" else "false"
        self.page.wait_for_function(f"document.body.dataset.jpThemeLight === '{is_light}'")


def is_foreign(url: str, server: LabServer) -> bool:
    """Whether a request goes to somebody else than the server."""
    return url.startswith(("http", "ws")) and server.address.partition("//")[2] not in url


COMMAND = "([name, given]) => jupyterapp.commands.execute(name, given).then(() => 0)"
OUTPUTS = """[...jupyterapp.shell.currentWidget.content.model.cells].map(
  (cell) => cell.type === "code" ? cell.outputs.toJSON() : [])"""
TEXTS = f"""() => {OUTPUTS}.map((outputs) => outputs.map(
  ({{ text, data }}) => [text ?? data?.["text/plain"] ?? ""].flat().join("")).join(""))"""
ERRORS = f"""() => {OUTPUTS}.flatMap((outputs, at) => outputs
  .filter((output) => output.output_type === "error")
  .map(({{ ename, evalue }}) => [at, `${{ename}}: ${{evalue}}`]))"""
ASK = """async (code) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const asked = kernel.requestExecute({ code, store_history: false });
  let said = "";
  asked.onIOPub = ({ content }) => { said += content.text ?? content.evalue ?? ""; };
  await asked.done;
  return said;
}"""
