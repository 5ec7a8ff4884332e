"""Fixtures that every folder of tests may use."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"


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
