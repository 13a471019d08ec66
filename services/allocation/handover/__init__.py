"""Handing over all open cases of a worker who leaves, or of a host that withdraws."""
