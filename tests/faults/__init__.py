"""Faults on real parts: services, broker and store that die, hang, lose their disk, while people work."""
