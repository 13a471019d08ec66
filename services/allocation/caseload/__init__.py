"""Workers: who they are, what they can take, and their supervision."""
