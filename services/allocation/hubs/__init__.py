"""Hubs and their policy."""
