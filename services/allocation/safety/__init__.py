"""Safety marks: whoever is marked as unsafe for a young person gets no case of theirs, and keeps none."""
