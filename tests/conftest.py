"""Fixtures that every folder of tests may use."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded cases beside the checkout; skips the test where it is absent."""
    if not (SHARED / "conformance").is_dir():
        pytest.skip("no ../shared/conformance beside the checkout")
    return SHARED


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """This machine's browser, driven by playwright; skips the test where there is none.

    For one module, not for all: while playwright is there, nobody else can run an event loop.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = os.environ.get("KINACTION_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), ""
    )
    if not found:
        pytest.skip("no chromium (apt-get install chromium, or KINACTION_CHROMIUM=its path)")
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=found, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where screenshots and other results that a person may look at are kept; not tracked."""
    folder = Path(os.environ.get("KINACTION_ARTIFACTS") or REPOSITORY / ".ci" / "artifacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
