"""A young person says, by a code on a card, what they want, how it is, and what should change."""
