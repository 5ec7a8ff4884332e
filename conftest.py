"""Loads the tiers for every collection below: tests, doctests of the package and notebooks."""

pytest_plugins = ["tests.tiers"]
