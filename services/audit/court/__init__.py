"""A report on one young person for whom a court or an access request asks: one file, with its proofs."""
