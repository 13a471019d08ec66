"""Pages of the directory: whom to ask, what is shown of oneself, and help near a young person."""
