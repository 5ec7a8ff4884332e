"""Run by every kernel of `kinaction lab` (PYTHONSTARTUP): the help on cells run out of order.

Rule kept: the learner's own PYTHONSTARTUP, if there is one, still runs.
"""

import os
import runpy

OWN = "KINACTION_OWN_STARTUP"


def environment() -> dict[str, str]:
    """What `kinaction lab` adds to the environment of JupyterLab so that kernels run this file."""
    added = {"PYTHONSTARTUP": __file__}
    own = os.environ.get("PYTHONSTARTUP", "")
    if own and own != __file__:
        added[OWN] = own
    return added


if __name__ == "__main__":
    import kinaction.course  # noqa: F401  its import installs the help

    if os.environ.get(OWN):
        runpy.run_path(os.environ[OWN])
