"""The same bytes, whatever the hash seed."""

import subprocess
import sys

SCRIPT = """
from kinaction.viz.lenses.acks import acks_lens
from kinaction.viz.lenses.life import life
from kinaction.viz.lenses.timeline import timeline
from tests.viz.lenses.sample import acks_runs, three_guarantees
runs = acks_runs()
for picture in (acks_lens(runs), timeline(three_guarantees()), life(runs[2].trace, "trams", 0, 2)):
    print(repr(picture), picture.alt, picture.svg, picture.html())
"""


def test_lenses_are_the_same_under_every_hash_seed(repository):
    outputs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, check=True, cwd=repository,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(repository)}).stdout
        for seed in ("1", "2")
    ]
    assert len(outputs[0]) > 50_000
    assert outputs[0] == outputs[1]
