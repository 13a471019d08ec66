"""Who leaves: what they were offered goes to the next one, what they had accepted is their Hub's."""
