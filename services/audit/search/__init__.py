"""Searching the entries: what an entry is found by, what it says in words."""
