"""Reading documents from outside: strict about types, generous about content."""
