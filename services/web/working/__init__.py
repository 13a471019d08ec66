"""A worker's day: what is new and due, the cases, each act on one, leave and supervision."""
