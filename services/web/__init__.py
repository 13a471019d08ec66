"""Pages for people over the public APIs: owns no data and decides nothing (decision 1602)."""
