"""The rules of allocation: risk, choice, and the records they work on. Pure."""
