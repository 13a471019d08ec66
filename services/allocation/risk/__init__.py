"""What agencies reported about a young person, and the level of risk it adds up to."""
