"""Loads the tiers for every collection below: tests, doctests of the package and notebooks."""

import os

# A Value is frozen at run time under tests; `KINACTION_FROZEN= pytest` leaves it as users have it.
os.environ.setdefault("KINACTION_FROZEN", "1")

pytest_plugins = ["tests.tiers"]
