"""What somebody was told, and what they did about it."""
