"""Messages that no service could handle: listed, shown, given back or discarded by an operator."""
