"""Agreements: written down, signed by each party, reviewed, ended."""
