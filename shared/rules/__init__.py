"""Rules that more than one service decides by. No I/O."""
