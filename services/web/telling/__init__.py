"""How an agency, a worker or a Hub wants to be told: mail, a program's address, quiet hours."""
