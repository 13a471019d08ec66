"""Cosignatures of witnesses, collected for whoever checks the trail."""
