"""A page for a young person who asks for help themselves: short, without signing in, nothing kept."""
