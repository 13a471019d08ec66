"""Codes of the Booking and Referral Standard that messages out have. Pure."""

from collections.abc import Mapping

from shared.events.codes import Instruction, ReferralStatus
from shared.vocabularies import ours_in

MEDIA_TYPE = "application/fhir+json"
EVENTS = "https://fhir.nhs.uk/CodeSystem/message-events-bars"
REASONS = "https://fhir.nhs.uk/CodeSystem/message-reason-bars"
CATEGORIES = "https://fhir.nhs.uk/CodeSystem/message-category-servicerequest"
REJECTED = "https://fhir.nhs.uk/CodeSystem/rejected-reasons-bars"
RESPONSE = "servicerequest-response"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

# How a referral stands, as the statuses of a ServiceRequest and of the receiver's Encounter.
STANDING: Mapping[ReferralStatus, tuple[str, str]] = {
    "received": ("active", "planned"),
    "screening": ("active", "planned"),
    "waiting": ("active", "planned"),
    "returned": ("on-hold", "planned"),
    "accepted": ("active", "triaged"),
    "allocated": ("active", "triaged"),
    "in_progress": ("active", "in-progress"),
    "on_hold": ("on-hold", "onleave"),
    "closed": ("completed", "finished"),
    "rejected": ("revoked", "cancelled"),
    "signposted": ("revoked", "cancelled"),
    "withdrawn": ("revoked", "cancelled"),
    "entered_in_error": ("entered-in-error", "entered-in-error"),
}
# What happened, in words of our own: the standard has no codes for it that fit.
WORDS: Mapping[ReferralStatus, str] = {
    "received": "Received; nobody has decided yet.",
    "screening": "Being screened.",
    "waiting": "Accepted; waiting for a worker.",
    "returned": "Sent back: more information is needed.",
    "accepted": "Accepted.",
    "allocated": "Accepted, and a worker was chosen.",
    "in_progress": "A worker is in touch.",
    "on_hold": "On hold.",
    "closed": "Closed.",
    "rejected": "Rejected.",
    "signposted": "Not taken on: another service is better placed.",
    "withdrawn": "Withdrawn.",
    "entered_in_error": "Entered in error.",
}
NOT_TOLD = "How it stands is not yours to know."
NOT_BROUGHT = "The young person was not brought, or did not come."
# Why it was not taken on, or ended without having begun, as the standard calls it: of the register. What
# is none of these is the last one.
NOT_TAKEN = ours_in("status_reason", REJECTED)
NOT_TAKEN_OTHERWISE = "OTH"
REJECTED_DISPLAYS: Mapping[str, str] = {
    "FC": "Failed Contact",
    "RRNA": "Requested resource not available within timescale",
    "OTH": "Other",
}
# What binds whoever reads a message, in words of our own.
INSTRUCTIONS: Mapping[Instruction, str] = {
    "do_not_tell_parents": "Do not tell the parents.",
}
