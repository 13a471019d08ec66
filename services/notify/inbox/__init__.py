"""The inbox of a recipient: read by asking, by waiting or as a stream; and the receipts."""
