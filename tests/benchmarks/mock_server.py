"""librdkafka's mock cluster in a process of its own: prints its bootstrap, ends with its input.

    python -m tests.benchmarks.mock_server 1
"""

import sys

from confluent_kafka import Producer


def main() -> None:
    producer = Producer({"test.mock.num.brokers": int(sys.argv[1]), "log_level": 0})
    known = producer.list_topics(timeout=10).brokers.values()
    print(",".join(f"{broker.host}:{broker.port}" for broker in known), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
