"""How a name is written before it is compared. Pure."""

import unicodedata

# Letters that Unicode does not take apart into a plain one and an accent.
_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
)


_APOSTROPHES = frozenset("'’‘ʼʻ`´")


def normalise(name: str) -> str:
    """Small letters without accents, apostrophes and punctuation; single spaces. Idempotent.

    Only marks that modify a letter go (é, ḥarakāt, niqqud); vowel signs of Indic scripts are
    letters of the name and stay.
    """
    folded = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS)).casefold()
    kept = []
    for char in folded:
        kind = unicodedata.category(char)
        if unicodedata.combining(char) >= 10 or char in _APOSTROPHES or kind == "Cf":
            continue
        kept.append(char if kind[0] in "LMN" else " ")
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())
