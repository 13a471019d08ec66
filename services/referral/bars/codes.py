"""Codes of FHIR, UK Core and the Booking and Referral Standard, as codes of ours. Pure."""

from collections.abc import Mapping

from services.referral.form.people import PersonKind
from shared.events.codes import Ethnicity, Gender, Urgency

# Of the categories of a ServiceRequest those that say no more than what is done with it here.
VALIDATION = "validation"
PLAIN_CATEGORIES = frozenset({"referral", VALIDATION})
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS = "https://fhir.nhs.uk/id/ods-organization-code"
ETHNIC = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-EthnicCategory"
RELIGION = "http://hl7.org/fhir/StructureDefinition/patient-religion"
VERIFIED = (
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
)
TRACED = "number-present-and-verified"
RANK = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-ContactRank"

REQUEST = "servicerequest-request"

# FHIR request-priority. What is none of these is left as it came, and counts as in docs/intake.md.
PRIORITIES: Mapping[str, Urgency] = {
    "stat": "immediate",
    "asap": "same_day",
    "urgent": "one_working_day",
    "routine": "ten_working_days",
}
GENDERS: Mapping[str, Gender] = {
    "female": "female",
    "male": "male",
    "other": "other",
    "unknown": "not_known",
}
# The 2001 census categories of UK Core.
ETHNICITIES: Mapping[str, Ethnicity] = {
    **dict.fromkeys("ABC", "white"),
    **dict.fromkeys("DEFG", "mixed"),
    **dict.fromkeys("HJKLR", "asian"),
    **dict.fromkeys("MNP", "black"),
    "S": "other",
    "Z": "declined",
    "99": "not_known",
}
# HL7 v3 RoleCode and v2-0131, as UK Core uses them for who somebody is to the patient.
KINDS: Mapping[str, PersonKind] = {
    **dict.fromkeys(
        "PRN MTH FTH NMTH NFTH STPPRN STPMTH STPFTH ADOPTP ADOPTM ADOPTF PARNT".split(), "parent"
    ),
    **dict.fromkeys("GUARD PRNFOST MTHFOST FTHFOST GRPRN GRMTH GRFTH".split(), "carer"),
    **dict.fromkeys("SIB BRO SIS HBRO HSIS HSIB STPBRO STPSIS STPSIB NSIB".split(), "sibling"),
    **dict.fromkeys("ROOM FAMMEMB".split(), "household"),
    **dict.fromkeys("FRND NBOR".split(), "associate"),
}
ONESELF = "ONESELF"

# Concerns that the standard lists in SNOMED CT, each as an indicator of ours where one means the same.
# Of the others the code and its display are kept as they came: unknown, and warned of.
CONCERNS: Mapping[str, str | None] = {
    "919461000000108": None,  # at risk of sexual exploitation
    "836881000000105": None,  # child cause for safeguarding concern
    "417361000": None,  # at risk of sexual abuse
    "702953007": None,  # neglect
    "818901000000100": None,  # unborn child on a protection plan
    "700253008": "grooming_observed",
    "700254002": "sexual_abuse",
    "707087005": "family_domestic_abuse",
}
PROTECTION_PLAN, LOOKED_AFTER = "342191000000101", "764841000000100"
SCENE_SAFETY, SAFE = "SS", "S"
