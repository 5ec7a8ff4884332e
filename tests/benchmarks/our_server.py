"""A served cluster in a process of its own: prints its bootstrap, ends with its input.

    python -m tests.benchmarks.our_server '{"brokers": 1, "trace": false}'
"""

import json
import sys

from kinaction import Cluster


def main() -> None:
    with Cluster(**json.loads(sys.argv[1])).serve() as bootstrap:
        print(bootstrap, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
