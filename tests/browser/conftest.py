"""What the browser tests share; the browser itself is in tests/conftest.py."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def artefacts(artifacts: Path) -> Path:
    """Where screenshots go: with the artefacts of CI; never committed."""
    return artifacts
