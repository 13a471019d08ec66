"""Giving a referral to another Hub: proposed by who has it, accepted by who gets it."""
