"""Search by who somebody is, for practitioners of a Hub, over what is their own."""
