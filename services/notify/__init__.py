"""Notify: tells people and agencies that something awaits them, never what it is about.

Owns: subscriptions, notifications with their deliveries.
Emits: subscription.*, notification.*. Listens to: referral.*, allocation.*.
"""
