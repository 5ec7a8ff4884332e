"""Floor 5: partition replicas, ISR, fetchers, purgatory, and the group coordinator."""
