"""A served cluster in a process of its own: prints its bootstrap servers, ends with its input.

    python -m tests.interop.server '{"brokers": 3, "config": {…}, "trace": true}'
"""

import json
import sys

from kinaction.cluster.cluster import Cluster


def main() -> None:
    with Cluster(**json.loads(sys.argv[1])).serve() as bootstrap:
        print(bootstrap, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
