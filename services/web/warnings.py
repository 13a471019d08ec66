"""What a receipt or a record warns of, as a sentence for who sent it. Pure."""

from collections.abc import Iterable, Mapping

WARNINGS: Mapping[str, str] = {
    "age_unknown": "Neither a date of birth nor an age is known. Add it as soon as you know it.",
    "area_unknown": "No Hub serves the area as you wrote it. Operators have been called to it. If it "
    "can’t wait, call your Hub.",
    "consent_waits": "The yes to tell your agency counts once a worker has asked the young person.",
    "date_of_birth_implausible": "By the date of birth they are not of an age that this is for. Check "
    "the date.",
    "date_of_birth_uncertain": "The date of birth looks like a guess. Correct it when you know it.",
    "indicator_unknown": "One of the signs is not on our list. It is kept as you wrote it.",
    "name_unknown": "The young person has no name yet. Add it as soon as you know it.",
    "nhs_number_invalid": "The NHS number can’t be right: a digit is wrong or missing.",
    "not_discussed": "Nobody has said yet whether this was talked about with the young person.",
    "not_discussed_reason_unknown": "You have not talked with the young person. Say why not.",
    "not_understood": "Something could not be read as you wrote it. It is kept, and a person reads it.",
    "referrer_contact_unknown": "The worker can’t reach you: a telephone number or e-mail is missing.",
    "referrer_unknown": "Nobody is named whom the worker can ask.",
    "said_at_unknown": "It is not known on which day it was said. A yes without its day does not end a "
    "no from before.",
    "too_many_records": "What was said about sharing had no room. Call your Hub.",
}


def warned(codes: Iterable[str]) -> list[str]:
    """A sentence for each."""
    return [WARNINGS.get(code) or f"{code.replace('_', ' ').capitalize()}." for code in codes]
