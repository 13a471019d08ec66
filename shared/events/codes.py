"""Codes that more than one service reads."""

from typing import Literal, get_args

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
# Why a practitioner confirmed, or rejected, a yes that an agency recorded.
ConfirmationReason = Literal[
    "asked_young_person",
    "asked_parent",
    "seen_in_writing",
    "not_said",
    "said_under_pressure",
    "recorded_in_error",
    "could_not_be_asked",
]
CONFIRMING: frozenset[ConfirmationReason] = frozenset(
    {"asked_young_person", "asked_parent", "seen_in_writing"}
)
# Why a consent was recorded by mistake.
InvalidationReason = Literal[
    "not_said",
    "misunderstood",
    "wrong_person",
    "wrong_content",
    "recorded_twice",
    "said_under_pressure",
]
# What the young person said about telling their parents or carers.
TellParents = Literal["yes", "no", "not_asked"]
# Why a practitioner of the Hub lets the parents be told after all.
ParentsReason = Literal["danger_to_life", "court_order", "recorded_in_error", "best_interests"]
# The instruction that every notice and every view carries while it stands.
Instruction = Literal["do_not_tell_parents"]
# Why a practitioner decided on a possible match as they did.
SaidMatchGround = Literal[
    "records_compared",
    "spoke_with_young_person",
    "spoke_with_family",
    "spoke_with_referrer",
    "spoke_with_other_hub",
    "identity_document",
    "other",
]
# Decisions kept before a ground had to be said.
MatchGround = Literal[SaidMatchGround, "not_said"]
SafetyRelation = Literal["alleged_perpetrator", "household_member", "close_associate"]
Role = Literal["agency", "worker", "hub_manager", "coordinator", "auditor", "operator", "service"]

# The register of kinds: the referral sources of the children in need census (DOMAIN 1.5).
AgencyKind = Literal[
    "1a",
    "1b",
    "1c",
    "1d",
    "2a",
    "2b",
    "3a",
    "3b",
    "3c",
    "3d",
    "3e",
    "3f",
    "4",
    "5a",
    "5b",
    "5c",
    "5d",
    "6",
    "7",
    "8",
    "9",
    "10",
]
AGENCY_KINDS: frozenset[str] = frozenset(get_args(AgencyKind))
UNKNOWN_KIND: AgencyKind = "10"
# What stands for a word that is no kind of the register, in a refusal: no agency is ever of it.
UNKNOWN_NAME = "unknown"
# Kinds of agency accounts that many people share: self-referral (CIN census 1C) and anonymous (9).
# They refer, and nothing is ever read back or sent back through them.
WITHOUT_REPLY: frozenset[str] = frozenset({"1c", "9"})
# Kinds of accounts of parents, other relatives and carers (CIN census 1A).
OF_FAMILY: frozenset[str] = frozenset({"1a"})

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
# The area of a referral whose word for it nobody knows. No Hub serves it.
UNKNOWN_AREA = "unknown"

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
    "not_begun",
    "handover_without_receiver",
    "risk_rose",
    "no_longer_fits",
    "above_ceiling",
    "two_workers",
    "worker_left",
]
RemovalReason = Literal["unsafe", "left"]
HolderReason = Literal["unsafe", "duty_changed"]
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
# What support is for. A closed list: it stands in events, which hold no words of callers. What fits
# none is `other`, and its words are in the Hub's own plan.
GoalArea = Literal[
    "safety",
    "safety_plan",
    "safe_relationships",
    "understanding_exploitation",
    "missing_episodes",
    "online_safety",
    "emotional_wellbeing",
    "physical_health",
    "sexual_health",
    "substance_use",
    "education_or_work",
    "family_relationships",
    "accommodation",
    "disclosure_and_justice",
    "peer_and_community",
    "other",
]
GoalOutcome = Literal[
    "achieved", "partially_achieved", "not_achieved", "not_started", "not_pursued"
]
# How far it is, as the young person sees it.
GoalProgress = Literal["closer", "no_change", "further_away", "reached"]
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
    "no_capacity", "conflict_of_interest", "safety", "not_my_field", "known_to_family", "absence"
]
HoldReason = Literal[
    "young_person_away", "young_person_not_ready", "criminal_proceedings", "health", "other"
]

# `cancelled`: it was approved, and is not in the worker's entry any more. `lapsed`: nobody decided.
LeaveStatus = Literal["waiting", "approved", "declined", "withdrawn", "cancelled", "lapsed"]
LeaveRefusal = Literal["no_cover", "too_many_away", "other_dates", "other"]
