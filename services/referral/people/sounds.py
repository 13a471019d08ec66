"""How a name sounds, and so how it is found however it is spelt. Pure."""

import jellyfish

from services.referral.people.normal import normalise
from services.referral.people.placeholders import is_placeholder


def sound(word: str) -> str:
    """Metaphone, which knows Latin letters only; a word in another script stands for itself."""
    return (jellyfish.metaphone(word) if word.isascii() else "") or word


def name_keys(*names: str | None) -> tuple[str, ...]:
    """The sounds of the words of these names, by which a search finds one by name alone. Too many
    share one: no possible match is looked for by them. To be HMACed, not kept."""
    told = [normalise(name) for name in names if name and not is_placeholder(name)]
    return tuple(sorted({f"name:{sound(word)}" for name in told for word in name.split()}))
