"""Notify: tells people and agencies that something awaits them, never what it is about.

Owns: subscriptions, notifications with their deliveries, projections of what it decides on.
Emits: subscription.*, notification.*. Listens to: referral.*, subject.*, consent.*, sharing.*,
agreement.*, agency.*, allocation.*, risk.*, hub.*, worker.*.
The notification rules are in policies/.
"""
