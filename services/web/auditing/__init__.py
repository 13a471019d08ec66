"""The trail, for who inspects it: stories, accounts, reports, and proofs made in the browser."""
