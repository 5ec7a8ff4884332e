"""Floor 2: one replica's log: segments, indexes, epochs, producer state. Byte-exact files."""
