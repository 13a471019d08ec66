"""Where somebody lives, as far as an address tells it. Pure."""

import re

# The shape of a postcode of the United Kingdom (Royal Mail); not whether there is such a one.
_POSTCODE = re.compile(r"\b([A-Z]{1,2}\d[A-Z\d]?)\s*(\d[A-Z]{2})\b", re.IGNORECASE)


def postcode_in(address: str | None) -> str | None:
    """The last postcode in an address, in capitals without the space."""
    found = _POSTCODE.findall(address or "")
    return "".join(found[-1]).upper() if found else None
