"""Names and birth dates that stand for "we don't know". They tell nobody from anybody. Pure."""

import unicodedata
from datetime import date

from services.referral.people.normal import normalise

# As `normalise` leaves them.
_STANDS_FOR_NOBODY = frozenset(
    """unknown|not known|name unknown|unknown name|unnamed|no name|none|nil|null|na|n a|nk|n k
    |not given|not provided|not stated|not disclosed|not available|not applicable|withheld
    |name withheld|refused|declined|anonymous|anon|anonymised|tbc|t b c|tba|t b a|to be confirmed
    |baby|unborn|newborn|infant|toddler|twin|child|the child|young person|yp|person|teenager|minor
    |boy|girl|male|female|baby boy|baby girl|young man|young woman|sibling|brother|sister
    |son|daughter|pupil|student|patient|client|victim|x|xx|xxx""".replace("\n", "")
    .replace("    ", "")
    .split("|")
)

# Whoever is called so has a family name only, or none: twins would be one.
_NO_GIVEN_NAME = frozenset({"baby", "unborn", "newborn", "infant", "twin", "unnamed"})


def is_placeholder(name: str | None) -> bool:
    """Whether this is no name of a person: a blank, punctuation, digits, one letter, "Unknown",
    "Child B", "Baby Smith", in any case and with any accents."""
    words = normalise(name or "").split()
    said = [word for word in words if len(word) > 1 and not word.isdigit()]
    if not said or "unknown" in said or words[0] in _NO_GIVEN_NAME:
        # A name in a script of one sign a word is a name all the same.
        return not (len(words) > 1 and all(unicodedata.category(w[0]) == "Lo" for w in words))
    return " ".join(words) in _STANDS_FOR_NOBODY or " ".join(said) in _STANDS_FOR_NOBODY


def is_guess(born: date) -> bool:
    """The first of January is what forms say when only the year is known, or nothing (1900, 1970)."""
    return (born.month, born.day) == (1, 1)
