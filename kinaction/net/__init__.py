"""Floor 1, over sim: the same world driven by the real clock, with real sockets at its edge."""
