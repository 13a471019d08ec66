"""What a young person wants to come of the work, in their words; looked at again, and how it ended."""
