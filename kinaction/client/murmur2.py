"""`murmur2`: the hash by which Kafka's Java clients put a key into a partition.

Must give the same number as org.apache.kafka.common.utils.Utils.murmur2, for ever: a key that
moves to another partition loses its order.
"""

SEED = 0x9747B28C
M = 0x5BD1E995
MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """MurmurHash2 of the bytes, 32 bits, unsigned, with Kafka's seed.

    >>> murmur2(b"alert") & 0x7FFFFFFF
    1780353823
    """
    hashed = SEED ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        mixed = int.from_bytes(data[at : at + 4], "little") * M & MASK
        mixed = (mixed ^ mixed >> 24) * M & MASK
        hashed = (hashed * M & MASK) ^ mixed
    if whole < len(data):
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * M & MASK
    hashed = (hashed ^ hashed >> 13) * M & MASK
    return hashed ^ hashed >> 15


def partition_for_key(key: bytes, partitions: int) -> int:
    """The partition of a key among `partitions`: the hash without its sign, modulo.

    >>> [partition_for_key(key, 3) for key in (b"shop", b"auth", b"search", b"login")]
    [0, 1, 2, 2]
    """
    return (murmur2(key) & 0x7FFFFFFF) % partitions
