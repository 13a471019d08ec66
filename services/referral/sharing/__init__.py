"""What was said about sharing: consents, lawful bases, safety marks."""
