"""What the tests stand on: a real broker, a real store, real processes, and ways to break them."""
