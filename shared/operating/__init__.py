"""What runs a service and lets people watch it."""
