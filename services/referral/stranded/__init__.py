"""Referrals of areas that no Hub serves: for the operators."""
