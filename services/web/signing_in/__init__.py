"""Signing in with the network's issuer, and out again."""
