"""The operators' pages: referrals that no Hub holds."""
