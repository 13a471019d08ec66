"""All four services in one process, for trying and development."""
