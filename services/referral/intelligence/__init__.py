"""What many agencies know of people, phones, vehicles and places, and where it meets."""
