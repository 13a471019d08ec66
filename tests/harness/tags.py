"""Tags of answers: of a GET they also say what was shown."""

import re


def record_of(tag: str) -> str:
    """The part that says which state of the record it is, as a change is answered."""
    return re.sub(r'\.[0-9a-f]+"$', '"', tag)
