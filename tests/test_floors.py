"""The house stays in order: floors, sizes, a light import, no trace of the machine it came from."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "kinaction"
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 60
MACHINE_FLOORS = (
    "kernel",
    "wire",
    "log",
    "raft",
    "controller",
    "broker",
    "client",
    "registry",
    "streams",
    "ksql",
)
WORLD_MODULES = {
    "asyncio",
    "multiprocessing",
    "random",
    "secrets",
    "select",
    "selectors",
    "socket",
    "subprocess",
    "threading",
    "time",
}
HEAVY_MODULES = {
    "anywidget",
    "cramjam",
    "graphviz",
    "IPython",
    "ipywidgets",
    "jupyterlab",
    "nbformat",
    "numpy",
    "pandas",
    "pytest",
}
MAX_MODULES_OF_IMPORT = 40  # of `import kinaction`, beyond those of a bare interpreter
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(work|root|home|opt|Users|tmp(?!/ipykernel))/[a-z0-9_]")
REGISTRY_HOST = re.compile(
    r"--(extra-)?index-url|--find-links [^\n]*://|\bindex-url\s*=|\"resolved\"\s*:|/maven2/|"
    r"https?://[^\s\"']*/simple\b|files\.pythonhosted|registry\.npmjs"
)
MENTIONS_ALLOWED = {"tests/test_floors.py"}


def source_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def tracked_files() -> list[Path]:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    paths = (REPOSITORY / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content[:4096] else content.decode("utf-8", errors="replace")


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has imported after a statement, less what it has without it."""
    tell = "import sys; bare = set(sys.modules); {}; print('\\n'.join(set(sys.modules) - bare))"
    done = subprocess.run(
        [sys.executable, "-c", tell.format(statement)],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    )
    return set(done.stdout.split())


def test_imports_only_go_down(capsys: pytest.CaptureFixture[str]):
    broken = lint_imports(config_filename=str(REPOSITORY / "pyproject.toml"), no_cache=True)
    assert broken == 0, capsys.readouterr().out.rpartition("Broken contracts")[2]


@pytest.mark.parametrize("floor", MACHINE_FLOORS)
def test_a_machine_has_no_clock_no_socket_no_dice(floor: str):
    if not (PACKAGE / floor).is_dir():
        pytest.skip(f"kinaction/{floor} is not there yet")
    found = [
        f"{name_of(path)}:{line} imports {module}"
        for path in sorted((PACKAGE / floor).rglob("*.py"))
        for line, module in imported_modules(path)
        if module.partition(".")[0] in WORLD_MODULES
    ]
    assert not found, "these are the world's, not a machine's: " + "; ".join(found)


def test_no_file_is_long():
    lengths = {name_of(path): len(text_of(path).splitlines()) for path in source_files()}
    long = {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES}
    assert not long, f"over {MAX_FILE_LINES} lines: {long}"


def test_no_function_is_long():
    long = [
        f"{name_of(path)}:{node.name} {node.end_lineno - node.lineno + 1}"
        for path in source_files()
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert not long, f"over {MAX_FUNCTION_LINES} lines: {long}"


def test_import_kinaction_is_light():
    modules = modules_after("import kinaction")
    assert not modules & HEAVY_MODULES
    assert len(modules) <= MAX_MODULES_OF_IMPORT, sorted(modules)


def test_a_cluster_imports_nothing_that_only_draws():
    if not (PACKAGE / "cluster").exists():
        pytest.skip("kinaction/cluster is not there yet")
    assert not modules_after("from kinaction import Cluster") & HEAVY_MODULES


def test_no_tracked_file_names_a_path_of_a_machine():
    found = [
        f"{name_of(path)}: {match.group()}"
        for path in tracked_files()
        if name_of(path) not in MENTIONS_ALLOWED
        for match in MACHINE_PATH.finditer(text_of(path))
    ]
    assert not found, found


def test_no_tracked_file_names_a_registry():
    found = [
        f"{name_of(path)}: {match.group()}"
        for path in tracked_files()
        if name_of(path) not in MENTIONS_ALLOWED
        for match in REGISTRY_HOST.finditer(text_of(path))
    ]
    assert not found, found


def test_lock_files_that_name_a_registry_are_not_tracked():
    names = {path.name for path in tracked_files()}
    assert not {name for name in names if name == "uv.lock" or name.startswith("pylock")}
