"""What young people say of the service: by a card, without signing in; and what staff see of it."""
