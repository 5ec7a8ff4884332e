"""The package itself: its version and its public names."""

import pytest

import kinaction


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(AttributeError, match="'nothing'; it has"):
        kinaction.nothing  # noqa: B018
