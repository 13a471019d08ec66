"""Codes of what forms ask; those of the children in need census where it has some. Pure."""

from typing import Literal

# Kinds of disability of the children in need census.
Disability = Literal[
    "none", "mob", "hand", "pc", "inc", "comm", "ld", "hear", "vis", "beh", "con", "aut", "dda"
]
# Ethnicity codes of the children in need census.
EthnicityCode = Literal[
    "wbri",
    "wiri",
    "wirt",
    "woth",
    "wrom",
    "mwbc",
    "mwba",
    "mwas",
    "moth",
    "aind",
    "apkn",
    "aban",
    "aoth",
    "bcrb",
    "bafr",
    "both",
    "chne",
    "ooth",
    "refu",
    "nobt",
]
PrimaryNeed = Literal["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9"]
LegalStatus = Literal[
    "section_20",
    "section_31",
    "section_38",
    "section_47",
    "police_protection",
    "emergency_protection",
    "secure",
    "child_in_need",
    "care_leaver",
    "other",
]
Placement = Literal[
    "parents",
    "relatives",
    "foster_care",
    "residential",
    "secure",
    "hospital",
    "custody",
    "supported_accommodation",
    "hotel",
    "no_fixed_address",
    "other",
    "not_known",
]
NrmStatus = Literal[
    "not_referred",
    "referred",
    "reasonable_grounds",
    "conclusive_grounds",
    "negative",
    "not_known",
]
MigrationStatus = Literal[
    "settled",
    "asylum_seeking",
    "unaccompanied_asylum_seeking",
    "refugee",
    "leave_to_remain",
    "no_status",
    "other",
    "not_known",
    "declined",
]
Orientation = Literal[
    "heterosexual", "gay_or_lesbian", "bisexual", "other", "not_asked", "not_known", "declined"
]
IdentifierKind = Literal[
    "upn",
    "la_child_id",
    "police",
    "health",
    "education",
    "case_number",
    "home_office",
    "message",
    "other",
]
