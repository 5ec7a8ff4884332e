"""A pytest plugin: every test is of one tier; the summary says which tiers ran, which not, and why.

A test's tier is its mark `tier("bytes")`, else that of its folder, else "unit".
`pytest --tier sim --tier bytes` runs these tiers only; `--tiers-report FILE` writes the counts.
"""

import json
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

TIERS = (
    "unit",
    "sim",
    "bytes",
    "conformance",
    "interop",
    "notebooks",
    "browser",
    "binder",
    "bench",
)
ON_REQUEST = ("bench",)
TIER_OF_FOLDER = {
    "sim": "sim",
    "conformance": "conformance",
    "interop": "interop",
    "notebooks": "notebooks",
    "browser": "browser",
    "binder": "binder",
    "benchmarks": "bench",
}
COLLECTED = pytest.StashKey[Counter[str]]()
OUTCOMES = ("passed", "failed", "error", "xfailed", "xpassed", "skipped")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tiers")
    group.addoption("--tier", action="append", choices=TIERS, help="run this tier (repeatable)")
    group.addoption("--tiers-report", type=Path, help="write what each tier did, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"tier(name): the tier of a test, one of {', '.join(TIERS)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = selected_tiers(config)
    left_out = [item for item in items if tier_of(item) not in wanted]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if tier_of(item) in wanted]
    config.stash[COLLECTED] = Counter(tier_of(item) for item in items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    report.tier = tier_of(item)
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    tiers = results_by_tier(terminalreporter.stats, selected_tiers(config), absent(config))
    terminalreporter.section("tiers")
    for name, result in tiers.items():
        terminalreporter.line(f"{name:<12} {result['text']}", red=bool(result["failed"]))
    if target := config.getoption("--tiers-report"):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(tiers, indent=1) + "\n", encoding="utf-8")


def absent(config: pytest.Config) -> dict[str, str]:
    """For every tier why nothing is heard of it, if nothing is."""
    collected = config.stash.get(COLLECTED, Counter())
    some_paths = config.args_source is pytest.Config.ArgsSource.ARGS
    nothing = "none of its tests was asked for" if some_paths else "no tests here yet"
    return {
        name: f"the run ended before its {collected[name]} tests" if collected[name] else nothing
        for name in TIERS
    }


def selected_tiers(config: pytest.Config) -> tuple[str, ...]:
    """The tiers of this run: those asked for, else all but those that run on request only."""
    asked = config.getoption("--tier")
    return tuple(asked) if asked else tuple(name for name in TIERS if name not in ON_REQUEST)


def tier_of(item: pytest.Item) -> str:
    """The tier of one test, by its mark or by its folder."""
    mark = item.get_closest_marker("tier")
    if mark is None:
        return tier_of_path(item.nodeid)
    if mark.args[:1] and mark.args[0] in TIERS:
        return str(mark.args[0])
    raise pytest.UsageError(f"{item.nodeid}: tier{mark.args} is unknown, expected one of {TIERS}")


def tier_of_path(nodeid: str) -> str:
    """The tier of a folder: of "tests/interop/test_x.py::test_y" it is interop."""
    parts = Path(nodeid.partition("::")[0]).parts
    folder = parts[1] if parts[:1] == ("tests",) and len(parts) > 1 else parts[0] if parts else ""
    return TIER_OF_FOLDER.get(folder, "unit")


def results_by_tier(
    stats: dict[str, list[Any]], selected: tuple[str, ...], absent: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """For every tier: how many tests ran, failed and were skipped, and the text of the summary."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in TIERS}
    reasons: dict[str, Counter[str]] = {name: Counter() for name in TIERS}
    for outcome in OUTCOMES:
        for report in stats.get(outcome, []):
            tier = getattr(report, "tier", None) or tier_of_path(report.nodeid)
            counts[tier][outcome] += 1
            if outcome == "skipped":
                reasons[tier][skip_reason(report)] += 1
    return {
        name: result_of(name, counts[name], reasons[name], selected, absent[name]) for name in TIERS
    }


def result_of(
    name: str,
    counts: Counter[str],
    reasons: Counter[str],
    selected: tuple[str, ...],
    absent: str,
) -> dict[str, Any]:
    """What one tier did; a tier of which nothing ran says why."""
    ran = sum(counts.values()) - counts["skipped"]
    said = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])
    why = "; ".join(reason for reason, _ in reasons.most_common(3))
    if name not in selected:
        text = "not run: only on request (make bench)" if name in ON_REQUEST else "not selected"
    elif not counts:
        text = f"not run: {absent}"
    elif not ran:
        text = f"not run: {why}"
    else:
        text = f"{said} ({why})" if why else said
    failed = counts["failed"] + counts["error"]
    return {"ran": ran, "failed": failed, "skipped": counts["skipped"], "text": text}


def skip_reason(report: Any) -> str:
    """The reason that a skipped test gave."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ").strip()
    return "skipped without a reason"
