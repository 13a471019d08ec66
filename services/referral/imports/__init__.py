"""Many referrals from a file: the children in need census, or a table."""
