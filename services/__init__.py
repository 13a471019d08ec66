"""The four deployables. They share events and nothing else."""
