"""What is added to a referral after sending, and what was discussed."""
