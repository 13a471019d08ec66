"""What a search compares. Pure."""

from services.referral.people.matching import Identity, blocking_keys, compared
from services.referral.people.sounds import name_keys
from services.referral.search.request import SearchQuery


def keys_of(query: SearchQuery) -> list[tuple[str, ...]]:
    """For each field that was said, the strings of which a referral like it has one. A name that
    means nobody has none: it finds nothing."""
    keys = []
    if query.name is not None:
        keys.append(name_keys(query.name))
    if query.date_of_birth is not None:
        keys.append(blocking_keys(Identity("", date_of_birth=query.date_of_birth)))
    if query.nhs_number is not None:
        keys.append(blocking_keys(Identity("", nhs_number=query.nhs_number)))
    return keys


def agreeing(query: SearchQuery, known: Identity) -> dict[str, str] | None:
    """How each field that was said agrees; None unless all of them do."""
    asked = Identity(query.name or "", query.date_of_birth, query.nhs_number)
    agrees = {f: how for f, how in compared(asked, known).agrees if f in query.given}
    return {str(f): how for f, how in agrees.items()} if len(agrees) == len(query.given) else None
