"""The steps of a referral, and its response clock."""
