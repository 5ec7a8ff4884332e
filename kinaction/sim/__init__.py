"""Floor 1: a world under virtual time, with latency, connections, disks and faults."""
