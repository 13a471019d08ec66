"""The code on a card: short enough to type, too long to guess. Pure.

Twelve of 25 signs are 55 bits. Signs that look alike, and vowels, which would make words, are left out;
what is mistaken for one of ours by the eye is read as it.
"""

SIGNS = "23456789CDFGHJKMNPQRTVWXY"
LENGTH, GROUP = 12, 4
# What is written for one of them: no other code is meant by it.
TAKEN_FOR = str.maketrans({"S": "5", "Z": "2", "B": "8"})
ENOUGH_BITS = 96


def code_of(keyed: str) -> str:
    """The code that a keyed id makes: the same for the same one, told from no other. `keyed` ends in
    32 hexadecimal digits."""
    number = int(keyed[-ENOUGH_BITS // 4 :], 16)
    found = ""
    for _ in range(LENGTH):
        number, place = divmod(number, len(SIGNS))
        found += SIGNS[place]
    return found


def printed(code: str) -> str:
    """As it stands on a card: in groups."""
    return "-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def typed(text: str) -> str:
    """What somebody typed, as a code is kept: without gaps, in capitals. It may still be none."""
    signs = "".join(sign for sign in text.upper() if sign.isalnum())
    return signs.translate(TAKEN_FOR)
