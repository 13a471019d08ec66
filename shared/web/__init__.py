"""What every API has in common: tokens, problems, entity tags, limits."""
