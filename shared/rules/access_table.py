"""The table of access: for each action the relations that it is for. `docs/access.md` shows it.

A change here is a change of who may read children's cases: the matrix test sends a request for
every cell. Sources: UK GDPR Art 5(1)(f) and 25(2), need to know; `docs/sharing.md` for partners.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.rules.relations import Kind, Relation

Action = str


@dataclass(frozen=True)
class Row:
    """The relations an action is for. `hidden`: whoever may not is told that it is not there, even
    a role that never may, and the refusal is recorded: it is about one young person's record. Of a
    case and of a notice a role that never may is told so, unlooked, and any other refusal recorded."""

    relations: frozenset[Relation]
    about: Kind
    hidden: bool = False


def _row(about: Kind, *relations: Relation, hidden: bool = False) -> Row:
    return Row(frozenset(relations), about, hidden)


_NETWORK: tuple[Relation, ...] = (
    *("own_agency", "worker_in_person", "manager_of_hub", "coordinator_of_area", "operator"),
)
_READERS: tuple[Relation, ...] = ("referrer", "worker_on_case", "worker_holding", "manager_of_hub")
_CASE = _row("case", "worker_on_case", "worker_holding", "manager_of_hub")
_RECORD = _row("referral", "referrer", "worker_on_case", "manager_of_hub", hidden=True)
_INSIDE = _row("referral", "worker_on_case", "manager_of_hub", hidden=True)
_MANAGER = _row("referral", "manager_of_hub", hidden=True)
_WORKS = _row("case", "worker_on_case")
_LEADS = _row("case", "manager_of_hub")
_PARTY = _row("agreement", "own_agency", "manager_of_hub", "operator", hidden=True)
_NOTICE = _row("notice", *_NETWORK)
_ADVICE = _row("advice", "own_agency", "worker_of_hub", "manager_of_hub", hidden=True)
_REPORT = _row("own", "auditor")
_REPORT_READERS = _row(
    *("report", "own_agency", "partner", "worker_in_person", "worker_on_case"),
    *("manager_of_hub", "coordinator_of_area"),
    hidden=True,
)

TABLE: Mapping[Action, Row] = {
    # Referrals. Partners read what agreement and ground permit; they never act.
    "send": _row("own", "own_agency"),
    # What is not sent yet: of one account, in the agency as which it called. Nobody else's ever.
    "list_drafts": _row("own", "own_agency"),
    "keep_draft": _row("draft", "own_agency", hidden=True),
    # Intelligence, of anybody who works with young people or sees something. Its coordinator decides.
    "report_intelligence": _row("own", "own_agency", "worker_in_person", "coordinator_of_area"),
    "list_reports": _row(
        *("own", "own_agency", "worker_in_person", "manager_of_hub", "coordinator_of_area")
    ),
    "view_report": _REPORT_READERS,
    "view_report_links": _REPORT_READERS,
    "view_referral_links": _row("referral", *_READERS, hidden=True),
    "decide_link": _row("link", "manager_of_hub", "coordinator_of_area", hidden=True),
    "withdraw_report": _row(
        *("report", "own_agency", "worker_in_person", "coordinator_of_area"), hidden=True
    ),
    # What many reports come to: where they meet, and how many there are.
    "view_wall": _row("own", "manager_of_hub", "coordinator_of_area"),
    "view_profile": _row("area", "partner", "manager_of_hub", "coordinator_of_area"),
    "review_report": _row("report", "manager_of_hub", "coordinator_of_area", hidden=True),
    "view": _row("referral", "partner", *_READERS, hidden=True),
    "view_history": _row("referral", *_READERS, hidden=True),
    "view_stranded": _row("stranded", "operator"),
    "list_stranded": _row("own", "operator"),
    "place_stranded": _row("stranded", "operator"),
    # A referral on its way to another Hub. Both see the offer; the other one answers it.
    "propose_transfer": _MANAGER,
    "list_transfers": _row("own", "manager_of_hub", "operator"),
    "view_transfer": _row("transfer", "manager_of_hub", "operator"),
    "answer_transfer": _row("answer", "manager_of_hub"),
    "take_back_transfer": _row("transfer", "manager_of_hub", "operator"),
    "list_referrals": _row("own", "own_agency", "worker_in_person", "manager_of_hub"),
    "list_cases": _row("own", "worker_in_person"),
    "search_referrals": _row("own", "worker_in_person", "manager_of_hub"),
    "take_step": _RECORD,
    "amend": _RECORD,
    "record_discussion": _RECORD,
    "record_consent": _RECORD,
    "invalidate_consent": _RECORD,
    "record_agreement": _RECORD,
    "record_parents_word": _RECORD,
    "erase": _MANAGER,
    "list_matches": _row("own", "manager_of_hub"),
    "view_matches": _MANAGER,
    "decide_match": _MANAGER,
    "view_match_decisions": _MANAGER,
    "preview_match": _MANAGER,
    "view_goals": _INSIDE,
    "write_goals": _INSIDE,
    # What young people say of the service. Who has a card's code is who it was made for.
    "invite": _INSIDE,
    "view_participation": _INSIDE,
    "say": _row("own", "own_agency"),
    "view_replies": _row("own", *_NETWORK, "auditor"),
    "write_reply": _row("own", "manager_of_hub"),
    "view_participation_numbers": _row("own", "manager_of_hub", "auditor"),
    # Questions of agencies before there is a case: for the agency that asked, and the Hub that answers.
    "ask_advice": _row("own", "own_agency"),
    "list_advice": _row("own", "own_agency", "worker_in_person", "manager_of_hub"),
    "view_advice": _ADVICE,
    "write_advice": _ADVICE,
    "view_advice_numbers": _row("own", "manager_of_hub", "auditor"),
    "view_sharing": _INSIDE,
    "preview_sharing": _INSIDE,
    "review_consent": _INSIDE,
    "record_basis": _INSIDE,
    "end_basis": _INSIDE,
    "mark_safety": _INSIDE,
    "trace": _row("own", "auditor"),
    # Areas, agencies and agreements. Whoever refers may look up what an area is called.
    "put_area": _row("own", "operator"),
    "view_areas": _row("own", *_NETWORK),
    "put_agency": _row("agency", "own_agency", "operator"),
    "view_agency": _row(
        *("agency", "own_agency", "other_worker", "other_manager", "operator"), hidden=True
    ),
    "list_agencies": _row("own", "manager_of_hub", "auditor", "operator"),
    "write_agreement": _row("agreement", "manager_of_hub", "operator"),
    "list_agreements": _row("own", "own_agency", "manager_of_hub", "operator"),
    "review_agreement": _row("agreement", "manager_of_hub", "operator"),
    "sign_agreement": _row("agreement", "own_agency", "manager_of_hub"),
    "view_agreement": _PARTY,
    "end_agreement": _PARTY,
    # Hubs and workers.
    "put_hub": _row("hub", "manager_of_hub", "operator"),
    "view_hub": _row(
        *("hub", "worker_of_hub", "other_worker", "manager_of_hub", "other_manager", "operator")
    ),
    "list_hubs": _row("own", "worker_in_person", "manager_of_hub", "operator"),
    "view_directory": _row("own", *_NETWORK),
    "put_directory_entry": _row("worker", "worker_in_person", "manager_of_hub", "operator"),
    "put_rota": _row("hub", "manager_of_hub", "operator"),
    "view_rota": _row("hub", "worker_of_hub", "manager_of_hub", "operator"),
    "view_numbers": _row("hub", "manager_of_hub", "auditor", "operator"),
    "put_worker": _row("worker", "manager_of_hub", "operator"),
    "import_workers": _row("own", "manager_of_hub", "operator"),
    "view_worker": _row("worker", "worker_in_person", "manager_of_hub", "operator"),
    "ask_leave": _row("worker", "worker_in_person"),
    "decide_leave": _row("worker", "manager_of_hub"),
    "list_leave": _row("own", "manager_of_hub"),
    "list_workers": _row("own", "manager_of_hub", "operator"),
    "record_supervision": _row("worker", "manager_of_hub"),
    # Cases. Who had one repeats what was answered and got lost.
    "view_allocation": _CASE,
    "list_allocations": _row("own", "worker_in_person", "manager_of_hub"),
    "list_closed_cases": _row("own", "worker_in_person"),
    "explain_allocation": _CASE,
    "replay_allocation": _CASE,
    "view_risk": _CASE,
    "judge_risk": _row("case", "worker_on_case", "manager_of_hub"),
    "reassess_risk": _row("case", "worker_on_case", "manager_of_hub"),
    "accept_case": _WORKS,
    "decline_case": _row("case", "worker_on_case", "worker_before"),
    "start_case": _WORKS,
    "hold_case": _row("case", "worker_on_case", "manager_of_hub"),
    "resume_case": _row("case", "worker_on_case", "manager_of_hub"),
    "close_case": _row("case", "worker_on_case", "worker_before", "manager_of_hub"),
    "settle_debrief": _row("case", "worker_on_case", "worker_before"),
    "review_waiting": _row("case", "worker_holding", "manager_of_hub"),
    "assign_case": _LEADS,
    "confirm_assignment": _LEADS,
    "propose_handover": _row("own", "manager_of_hub"),
    "list_plans": _row("own", "manager_of_hub"),
    "plan_handover": _row("plan", "manager_of_hub"),
    # Notifications and subscriptions: to the recipient, whatever kind it is of.
    "view_inbox": _row("own", *_NETWORK),
    "mark_opened": _NOTICE,
    "record_action": _NOTICE,
    "view_recipients": _row("own", "manager_of_hub", "auditor"),
    "replay_notifications": _row("own", "own_agency", "manager_of_hub", "operator"),
    "subscribe": _row("mailing", *_NETWORK),
    "rotate_secret": _row("mailing", "own_agency"),
    # The trail. The log's proofs name nobody: who has a token may check them.
    "check_log": _row("own", *_NETWORK, "auditor"),
    "cosign_log": _row("own", *_NETWORK, "auditor"),
    "search_trail": _row("trail", "own_agency", "manager_of_hub", "auditor"),
    "view_entry": _row("entry", "own_agency", "manager_of_hub", "auditor"),
    "find_account": _row("own", "manager_of_hub", "auditor", "operator"),
    # Messages that no service could handle: ids and codes of all Hubs.
    "handle_dead_letters": _row("own", "operator"),
    "check_integrity": _row("own", "manager_of_hub", "auditor", "operator"),
    "report_on_all": _REPORT,
}
