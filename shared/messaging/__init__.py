"""How events travel: the bus and its two transports, the relay, handlers."""
