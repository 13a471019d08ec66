"""Importing this registers every type of event, for those who read them all (the trail, docs)."""

from shared.events import allocation, notify, referral

__all__ = ["allocation", "notify", "referral"]
