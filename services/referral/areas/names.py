"""How names of areas are compared: without case, accents, spaces and punctuation. Pure."""

import unicodedata
from collections.abc import Iterable

import jellyfish

# Longer words are compared by their beginning: a comparison takes the product of both lengths.
COMPARED = 60
CLOSE = 0.85
MOST_NEAR = 3


def key_of(word: str) -> str:
    """What is left of a name when it is compared; nothing of one without a letter or a digit.

    `St. Mary's`, `ST MARYS` and `st-marys` are one. The code of an area is such a name, too.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    return "".join(c for c in plain if c.isalnum() and not unicodedata.combining(c))


def closeness(one: str, other: str) -> float:
    """How alike two keys are, from 0 to 1: a typing error or two, or the one within the other."""
    one, other = one[:COMPARED], other[:COMPARED]
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) > 3 and shorter in longer:
        return 0.9 + 0.1 * len(shorter) / len(longer)
    return jellyfish.jaro_winkler_similarity(one, other)


def nearest(key: str, names: Iterable[tuple[str, str]]) -> list[str]:
    """The codes of the few areas that are called nearly so, the nearest first; `names` has a code
    and a key for each name of an area."""
    best: dict[str, float] = {}
    for code, name in names if key else ():
        best[code] = max(best.get(code, 0.0), closeness(key, name))
    close = [code for code, how in best.items() if how >= CLOSE]
    return sorted(close, key=lambda code: (-best[code], code))[:MOST_NEAR]
