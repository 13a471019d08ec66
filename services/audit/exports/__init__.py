"""What an auditor takes away to check elsewhere."""
