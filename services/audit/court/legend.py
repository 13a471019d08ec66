"""What the words of a report mean, for a reader who knows neither the network nor its rules. Pure.

Ids and codes are what the trail holds; nothing here depends on what a report is about.
"""

from collections.abc import Mapping

IDS: Mapping[str, str] = {
    "ref_...": "a referral: one request for help for one young person",
    "sub_...": "a young person",
    "usr_...": "a person who signed in, whatever their work is",
    "agency:...": "an agency, by its id in the network's register",
    "worker:...": "a worker of a Hub, by their id in the Hub's register",
    "hub_manager:...": "a manager of a Hub, by their account",
    "auditor:...": "an auditor or data-protection officer, by their account",
    "service:...": "a service of the network itself: nobody did it by hand",
}
CATEGORIES: Mapping[str, str] = {
    "existence": "that the young person is known to the network, and when they were referred",
    "identity": "their name, date of birth or age, and what else says who they are",
    "contact": "how and where to reach them",
    "concerns": "what somebody was worried about, as coded indicators",
    "risk": "how high the risk was assessed",
    "narrative": "what somebody wrote in their own words",
    "health": "their health",
    "education": "their school or training",
    "family": "their family and who lives with them",
    "worker": "who works with them",
    "outcome": "what became of the referral",
    "intelligence": "information from policing",
}
GROUNDS: Mapping[str, str] = {
    "consent": "the young person or a parent had said yes",
    "public_task": "a named practitioner decided to share, as part of an official duty",
    "legal_obligation": "a named practitioner decided to share, because the law asks for it",
    "vital_interests": "a named practitioner decided to share, because of danger to life or limb",
}
REASONS: Mapping[str, str] = {
    "recipient_left": "who would have been told no longer works here",
    "recipient_unsafe": "who would have been told is marked as unsafe for the young person",
    "parents_not_told": "the young person's parents are not to be told",
    "no_agreement": "no agreement between the two lets them share",
    "agreement_not_signed": "not all had signed the agreement",
    "agreement_lapsed": "the agreement was over, or its review was due",
    "purpose_not_agreed": "the agreement does not cover what it was asked for",
    "category_not_agreed": "the agreement does not cover this kind of information",
    "ground_not_agreed": "the agreement does not cover this ground",
    "consent_refused": "the answer was no",
    "consent_withdrawn": "a yes was taken back",
    "consent_expired": "a yes was over, or had not begun",
    "consent_unconfirmed": "a yes waited for a practitioner of the Hub to confirm it",
    "match_unconfirmed": "who the young person is waited for somebody else of the Hub to decide",
    "capacity_not_established": "whether the young person could decide had not been assessed",
    "basis_lapsed": "the decision to share was over, or its review was due",
    "special_category_condition_missing": "the decision named no condition for sensitive information",
    "no_ground": "nobody had said yes, and nobody had decided to share",
}


def legend() -> list[tuple[str, str]]:
    """Each word as it stands in a sentence, and what it means."""
    codes = {**CATEGORIES, **GROUNDS, **REASONS}
    said = ((code.replace("_", " "), meaning) for code, meaning in codes.items())
    return [*IDS.items(), *said]
