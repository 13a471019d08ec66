"""Who is shown what of a referral, and the record of every look."""
