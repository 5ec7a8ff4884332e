"""aiokafka, unmodified."""

import asyncio
from collections.abc import Callable

import pytest

from tests.interop.bulk import ACKS, CODECS, PARTITIONS, Deadline, Read, check, values

aiokafka = pytest.importorskip("aiokafka", reason="no aiokafka here")

COUNT = 100_000
Topics = Callable[[str], str]


async def produce(bootstrap: str, topic: str, count: int, acks: str, codec: str) -> None:
    producer = aiokafka.AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks=acks if acks == "all" else int(acks),
        compression_type=None if codec == "none" else codec, linger_ms=5, max_batch_size=200_000)
    await producer.start()
    for number, value in enumerate(values(count)):
        await producer.send(topic, value, partition=number % PARTITIONS)
    await producer.flush()
    await producer.stop()


async def consume(consumer: "aiokafka.AIOKafkaConsumer", count: int) -> list[Read]:
    found: list[Read] = []
    deadline = Deadline()
    while len(found) < count and deadline:
        for batch in (await consumer.getmany(timeout_ms=500)).values():
            found += [(one.partition, one.offset, one.value) for one in batch]
    return found


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("acks", ACKS)
def test_every_record_comes_back(bootstrap: str, topics: Topics, acks: str, codec: str) -> None:
    topic = topics(f"aiokafka-{acks}-{codec}")

    async def run() -> list[Read]:
        await produce(bootstrap, topic, COUNT, acks, codec)
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
        await consumer.start()
        consumer.assign([aiokafka.TopicPartition(topic, at) for at in range(PARTITIONS)])
        try:
            return await consume(consumer, COUNT)
        finally:
            await consumer.stop()

    check(asyncio.run(run()), COUNT)


def test_a_group_keeps_its_place(bootstrap: str, topics: Topics) -> None:
    topic = topics("aiokafka-group")

    async def run() -> tuple[list[Read], list[int | None]]:
        await produce(bootstrap, topic, 300, "all", "none")
        consumer = aiokafka.AIOKafkaConsumer(
            topic, bootstrap_servers=bootstrap, group_id="aiokafka",
            auto_offset_reset="earliest", enable_auto_commit=False)
        await consumer.start()
        found = await consume(consumer, 300)
        await consumer.commit()
        places = [await consumer.committed(aiokafka.TopicPartition(topic, at)) for at in range(3)]
        await consumer.stop()
        return found, places

    found, places = asyncio.run(run())
    check(found, 300)
    assert places == [100, 100, 100]
