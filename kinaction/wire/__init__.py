"""Floor 0: bytes to Kafka messages and record batches, and back. No clock, no socket, no state."""
