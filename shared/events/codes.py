"""Codes that more than one service reads."""

from typing import Literal

Urgency = Literal[
    "immediate", "same_day", "one_working_day", "five_working_days", "ten_working_days"
]
RiskLevel = Literal["none_apparent", "mild", "moderate", "significant"]
Recency = Literal["current", "last_6_months", "6_to_12_months", "older"]
Setting = Literal["police", "social_care", "school", "health", "voluntary", "hub"]
AgeBand = Literal["under_13", "13_to_15", "16_to_17", "18_and_over", "not_known"]
Gender = Literal["female", "male", "non_binary", "other", "not_asked", "not_known", "declined"]
# The five high-level groups of the 2021 Census of England and Wales.
Ethnicity = Literal[
    "asian", "black", "mixed", "white", "other", "not_asked", "not_known", "declined"
]
ReferralStatus = Literal[
    "received",
    "screening",
    "accepted",
    "returned",
    "rejected",
    "signposted",
    "waiting",
    "allocated",
    "in_progress",
    "on_hold",
    "closed",
    "withdrawn",
    "entered_in_error",
]
# Why a referral went no further, or came back. DOMAIN facts: BaRS and e-RS rejection codes,
# withdrawal reasons of comparable services.
StatusReason = Literal[
    "below_threshold",
    "not_eligible_age",
    "out_of_area",
    "wrong_service",
    "duplicate_of",
    "insufficient_information",
    "no_capacity",
    "conflict_of_interest",
    "child_or_family_declined",
    "already_open",
    "needs_met_elsewhere",
    "moved_away",
    "no_longer_needed",
    "not_engaged",
    "raised_in_error",
    "wrong_person",
    "new_information",
    "other",
]
# What became of it (referral outcomes of the standard safeguarding dataset).
ClosureOutcome = Literal[
    "no_further_action",
    "advice_or_signposting",
    "step_down_to_early_help",
    "assessment_required",
    "strategy_discussion",
    "goals_achieved",
    "goals_partly_achieved",
    "goals_not_achieved",
    "transferred",
    "other",
]
SafetyRelation = Literal["alleged_perpetrator", "household_member", "close_associate"]
Role = Literal["agency", "worker", "hub_manager", "auditor", "operator", "service"]

# Kinds of agency accounts that many people share: self-referral (CIN census 1C) and anonymous (9).
# They refer, and nothing is ever read back or sent back through them.
WITHOUT_REPLY: frozenset[str] = frozenset({"1c", "9"})

# Indicator codes in the shape of the SERAF forms (Hampshire, Southampton, South Gloucestershire,
# Wales). Local forms differ, so a policy file says which of these count and how.
INDICATORS: frozenset[str] = frozenset(
    """
    emotional_neglect physical_abuse sexual_abuse family_breakdown family_domestic_abuse
    family_substance_misuse family_mental_ill_health low_self_esteem unsuitable_accommodation
    isolated_from_peers no_positive_adult
    staying_out_late unknown_callers worrying_phone_use despair exclusion_or_absence
    disclosure_withdrawn sexually_transmitted_infection peers_involved drug_use alcohol_use
    worrying_internet_use living_independently_not_responding
    missing_episodes older_partner unexplained_gifts cars_with_unknown_adults
    physical_injury_unexplained sexual_assault_disclosed exchange_for_gifts_or_money
    taken_to_addresses_or_hotels images_shared grooming_observed trafficking_concern
    """.split()
)
UNKNOWN_INDICATOR = "unknown"

WorkerRole = Literal["hub_worker", "spoke_worker", "hub_manager"]
SupervisionKind = Literal["case", "professional"]
HandoverReason = Literal[
    "worker_leaves",
    "worker_absent",
    "host_withdraws",
    "young_persons_wish",
    "young_person_moved",
    "safety",
    "conflict_of_interest",
    "workload",
    "risk_changed",
    "continuity",
    "no_candidate",
]
EscalationReason = Literal[
    "immediate_without_worker",
    "offers_exhausted",
    "waiting_too_long",
    "review_missed",
    "handover_without_receiver",
    "risk_rose",
    "no_longer_fits",
    "above_ceiling",
]
ClosureReason = Literal[
    "completed",
    "ended_early",
    "declined_by_young_person",
    "not_engaged",
    "moved_away",
    "transferred",
    "turned_18",
    "died",
    "referral_withdrawn",
    "entered_in_error",
]
GoalOutcome = Literal[
    "achieved",
    "partially_achieved",
    "not_achieved",
    "not_started",
]
JudgementReason = Literal[
    "harm_not_scored",
    "pattern_or_pace",
    "known_history",
    "protective_factors",
    "information_unreliable",
    "explained_otherwise",
    "multi_agency_decision",
]
DeclineReason = Literal[
    "no_capacity",
    "conflict_of_interest",
    "safety",
    "not_my_field",
    "known_to_family",
    "absence",
]
HoldReason = Literal[
    "young_person_away",
    "young_person_not_ready",
    "criminal_proceedings",
    "health",
    "other",
]
