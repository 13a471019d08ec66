"""A referral comes in: the document, what may refuse it, the steps, the route."""
