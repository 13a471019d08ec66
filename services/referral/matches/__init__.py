"""Possible matches: found, kept in a queue for each Hub, decided by a practitioner."""
