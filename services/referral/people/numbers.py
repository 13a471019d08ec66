"""Identity numbers. Pure."""


def is_nhs_number(raw: str) -> bool:
    """Ten digits whose last is the modulus 11 check digit (NHS Data Dictionary, NHS NUMBER)."""
    # Not python-stdnum: it would be a dependency of the running service for these five lines.
    digits = raw.replace(" ", "").replace("-", "")
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()):
        return False
    check = 11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=False)) % 11
    return check != 10 and check % 11 == int(digits[9])
