"""Floor 6: producer, consumer and admin, as machines. Knows brokers only by what they answer."""
