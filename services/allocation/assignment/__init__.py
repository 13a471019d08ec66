"""Finding a worker for a referral, by the rules or by a manager's order."""
