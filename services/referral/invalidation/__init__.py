"""A consent that was recorded by mistake: it never counted."""
