"""The directory: whom to ask, where, about what, and who is on duty."""
