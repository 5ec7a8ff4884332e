"""The tiers plugin: what ran, what did not and why, also when tests run in parallel."""

import json
from pathlib import Path

import pytest

from tests.tiers import TIERS, tier_of_path

pytest_plugins = ["pytester"]


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite of three tiers: one passes, one cannot run here, one fails."""
    pytester.makeconftest('pytest_plugins = ["tests.tiers"]')
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\n")
    files = {
        "tests/log/test_a.py": "import pytest\ndef test_a(): pass\n"
        "@pytest.mark.tier('bytes')\ndef test_b(): pass\n",
        "tests/browser/test_c.py": "import pytest\n"
        "@pytest.fixture\ndef chromium(): pytest.skip('no chromium')\ndef test_c(chromium): pass\n",
        "tests/interop/test_d.py": "def test_d(): assert False\n",
        "tests/conformance/test_e.py": "import pytest\n"
        "pytest.skip('no ../shared', allow_module_level=True)\n",
        "tests/benchmarks/test_f.py": "def test_f(): assert False\n",
    }
    for name, text in files.items():
        path = Path(pytester.path, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return pytester


@pytest.mark.parametrize("parallel", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_the_summary_names_every_tier(suite: pytest.Pytester, parallel: tuple[str, ...]):
    done = suite.runpytest("tests", "--tiers-report=out/tiers.json", *parallel)
    done.assert_outcomes(passed=2, failed=1, skipped=2)
    done.stdout.fnmatch_lines(
        [
            "*= tiers =*",
            "unit *1 passed",
            "sim *not run: none of its tests was asked for",
            "bytes *1 passed",
            "conformance *not run: no ../shared",
            "interop *1 failed",
            "notebooks *not run: none of its tests was asked for",
            "browser *not run: no chromium",
            "bench *not run: only on request (make bench)",
        ]
    )
    report = json.loads(Path(suite.path, "out/tiers.json").read_text())
    assert list(report) == list(TIERS)
    assert report["interop"] == {"ran": 1, "failed": 1, "skipped": 0, "text": "1 failed"}


def test_a_tier_that_has_no_tests_says_so(suite: pytest.Pytester):
    done = suite.runpytest()
    done.stdout.fnmatch_lines(["sim *not run: no tests here yet"])


def test_a_run_that_ends_early_says_so(suite: pytest.Pytester):
    suite.path.joinpath("tests/sim").mkdir()
    suite.path.joinpath("tests/sim/test_z.py").write_text("def test_z(): pass\n")
    done = suite.runpytest("tests/interop", "tests/sim", "-x")
    done.stdout.fnmatch_lines(["sim *not run: the run ended before its 1 tests"])


def test_a_tier_is_run_alone(suite: pytest.Pytester):
    done = suite.runpytest("tests", "--tier=bench")
    done.assert_outcomes(failed=1, skipped=1, deselected=4)
    done.stdout.fnmatch_lines(["unit *not selected", "bench *1 failed"])


def test_an_unknown_tier_is_refused(suite: pytest.Pytester):
    suite.makepyfile(test_g="import pytest\n@pytest.mark.tier('bites')\ndef test_g(): pass\n")
    done = suite.runpytest("test_g.py")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*tier('bites',) is unknown*"])


@pytest.mark.parametrize(
    ("nodeid", "tier"),
    [
        ("tests/sim/test_world.py::test_x", "sim"),
        ("tests/test_floors.py::test_x", "unit"),
        ("notebooks/00_start_here.ipynb::Cell 0", "notebooks"),
        ("kinaction/kernel/graph.py::kinaction.kernel.graph", "unit"),
        ("tests/interop", "interop"),
    ],
)
def test_a_folder_has_its_tier(nodeid: str, tier: str):
    assert tier_of_path(nodeid) == tier
