"""How a recipient wants to be told, and the proof that an address is theirs."""
