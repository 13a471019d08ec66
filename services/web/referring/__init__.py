"""Making a referral step by step, and following it."""
