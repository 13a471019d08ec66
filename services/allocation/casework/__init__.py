"""What a worker does with a case, from the answer to the end."""
