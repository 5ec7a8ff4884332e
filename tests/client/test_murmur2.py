"""murmur2 against numbers that others computed, and the keys that the course is built on."""

import pytest

from kinaction.client.murmur2 import murmur2, partition_for_key


@pytest.mark.parametrize(("key", "hashed"), [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
])
def test_hashes_of_java(key: bytes, hashed: int) -> None:
    """Signed, as Java prints them: the cases of Kafka's own UtilsTest, as numbers."""
    assert murmur2(key) - (murmur2(key) >> 31 << 32) == hashed


@pytest.mark.parametrize(("count", "expected"), [
    (3, {"alert": 1, "shop": 0, "auth": 1, "search": 2, "login": 2, "east": 0}),
    (4, {"shop": 0, "auth": 3, "search": 0, "login": 3}),
])
def test_keys_of_the_course(count: int, expected: dict[str, int]) -> None:
    assert {key: partition_for_key(key.encode(), count) for key in expected} == expected


def test_trams_of_the_course() -> None:
    by_partition: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for tram in range(1, 13):
        by_partition[partition_for_key(f"tram-{tram}".encode(), 3)].append(tram)
    assert by_partition == {0: [1, 2, 3], 1: [4, 7, 9, 10, 11], 2: [5, 6, 8, 12]}


def test_the_empty_key_is_a_key() -> None:
    assert murmur2(b"") == 275646681
    assert 0 <= partition_for_key(b"", 7) < 7
