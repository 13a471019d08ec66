"""Whether the young person's parents are told."""
