"""Codes of FHIR, UK Core and the Booking and Referral Standard, as codes of ours. Pure."""

from collections.abc import Mapping

from shared.vocabularies import theirs

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

# Of the register: what of theirs is which of ours. A priority that is none of these is left as it came,
# and counts as in docs/intake.md.
PRIORITIES = theirs("urgency", "http://hl7.org/fhir/request-priority")
GENDERS = theirs("gender", "http://hl7.org/fhir/administrative-gender")
# The 2001 census categories of UK Core, as codes of the children in need census.
ETHNICITIES = theirs(
    "ethnicity_code", "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryEngland"
)
# Who somebody is to the patient.
KINDS = theirs("person_kind", "http://terminology.hl7.org/CodeSystem/v3-RoleCode")
ONESELF = "ONESELF"

# Concerns that the standard lists in SNOMED CT, each as an indicator of ours where the register has it.
# Of the others the code and its display are kept as they came: unknown, and warned of.
CONCERNS: Mapping[str, str | None] = {
    "919461000000108": None,  # at risk of sexual exploitation
    "836881000000105": None,  # child cause for safeguarding concern
    "417361000": None,  # at risk of sexual abuse
    "702953007": None,  # neglect
    "818901000000100": None,  # unborn child on a protection plan
    **theirs("indicator", "http://snomed.info/sct"),
}
PROTECTION_PLAN, LOOKED_AFTER = "342191000000101", "764841000000100"
SCENE_SAFETY, SAFE = "SS", "S"
