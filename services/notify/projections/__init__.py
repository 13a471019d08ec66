"""What notify knows of other services: projections of their events, one pure `evolve` for each."""
