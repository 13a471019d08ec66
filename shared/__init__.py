"""What at least two services use: events, records, the store with its outbox, the bus, the edge."""
