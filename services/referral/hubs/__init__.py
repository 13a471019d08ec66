"""What this service knows of Hubs: which areas each has."""
