"""Agencies, and the agreements between them."""
