"""Notification rules: who is notified of which event, and of what follows from it."""
