"""Webhooks and e-mail: attempts, outcomes, retries, and endpoints that fail."""
