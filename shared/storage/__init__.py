"""The only way to write: a document and its events in one change."""
