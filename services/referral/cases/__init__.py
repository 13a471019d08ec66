"""The cases of a worker, with the names of the young people."""
