"""The checkpoint files of a log directory: an offset for each partition, one text file each.

Source: org.apache.kafka.storage.internals.checkpoint.OffsetCheckpointFile.
"""

from collections.abc import Mapping

RECOVERY_POINTS = "recovery-point-offset-checkpoint"
HIGH_WATERMARKS = "replication-offset-checkpoint"
START_OFFSETS = "log-start-offset-checkpoint"


def parse_checkpoint(data: bytes) -> dict[tuple[str, int], int]:
    """(topic, partition) -> offset. A damaged or missing file says nothing: {}.

    >>> parse_checkpoint(checkpoint_text({("t", 0): 7}))
    {('t', 0): 7}
    """
    try:
        version, count, *lines = data.decode("utf-8").splitlines()
        entries = [line.split(" ") for line in lines]
        offsets = {(topic, int(partition)): int(offset) for topic, partition, offset in entries}
        is_whole = data.endswith(b"\n") and int(count) == len(lines)
        return offsets if version == "0" and is_whole else {}
    except ValueError:
        return {}


def checkpoint_text(offsets: Mapping[tuple[str, int], int]) -> bytes:
    """The bytes of a checkpoint file."""
    lines = [f"{topic} {partition} {offset}" for (topic, partition), offset in offsets.items()]
    return ("\n".join(["0", str(len(lines)), *lines]) + "\n").encode()
