"""A case goes to another Hub with its referral."""
