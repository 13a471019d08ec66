"""Audit: the trail of every event, in order, append-only.

Owns: the trail. Listens to: everything, through the feed `audit`, whose offset is stored with it.
"""
