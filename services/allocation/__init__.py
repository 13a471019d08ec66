"""Allocation: assesses risk and finds the right worker within their caseload.

Owns: hubs, workers with their caseload, allocations with the whole decision.
Emits: hub.*, worker.*, risk.*, allocation.*. Listens to: referral.*.
"""
