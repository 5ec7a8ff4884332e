"""Floor 0: events, effects, Machine, Host, Trace, state tables, Graph. Knows no Kafka."""
