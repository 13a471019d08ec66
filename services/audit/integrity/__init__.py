"""Whether the store still holds what was written: the self-check, its faults, an operator's commands."""
