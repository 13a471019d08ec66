"""Referral: receives, keeps and shows referrals.

Owns: referrals (personal data, encrypted field by field), subjects, agencies, agreements,
the register of areas. Emits: referral.*, goal.*, intelligence.*, link.*, area.*, agency.*,
agreement.*. Listens to: allocation.*.
"""
