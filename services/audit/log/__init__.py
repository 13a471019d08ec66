"""The log: leaves, tree and tiles, the one writer, checkpoints and their keys."""
