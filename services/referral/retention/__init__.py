"""What is destroyed, when, and by whom."""
