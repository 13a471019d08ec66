"""Referral: receives, keeps and shows referrals.

Owns: referrals (personal data, encrypted field by field), subjects, agencies, agreements.
Emits: referral.*, agency.*, agreement.*. Listens to: allocation.*.
"""
