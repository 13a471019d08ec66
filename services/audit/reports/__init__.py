"""Accounts over the whole trail: disclosures, gaps, patterns worth a question."""
