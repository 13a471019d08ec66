"""Messages in: each event moves a projection, and whoever the rules name is notified."""

from functools import partial
from typing import Any

from services.notify.cases import Cases
from services.notify.directory import Directory
from services.notify.rules.absence import tell_of_leave
from services.notify.rules.advice import tell_of_advice
from services.notify.rules.claims import tell_of_claim
from services.notify.rules.cover import tell_of_cover
from services.notify.rules.gaps import tell_of_gaps
from services.notify.rules.news import tell_news
from services.notify.rules.supervision import tell_of_supervision
from services.notify.store import Stores
from shared.events import Event
from shared.events.absence import LeaveDecided, LeaveRequested, LeaveUndecided
from shared.events.advice import AdviceAsked, AdviceUnanswered, AdviceWritten
from shared.events.agency import (
    AboutAgency,
    AboutAgreement,
    AgencyAmended,
    AgencyRegistered,
    AgreementAmended,
    AgreementEnded,
    AgreementExpiring,
    AgreementLapsed,
    AgreementProposed,
    AgreementReviewed,
    AgreementSigned,
)
from shared.events.allocation import (
    AllocationAccepted,
    AllocationDeclined,
    AllocationEscalated,
    AllocationLapsed,
    AllocationMade,
    AllocationWaiting,
)
from shared.events.casework import AllocationClosed, AllocationHandedOver
from shared.events.erasure import ReferralErased
from shared.events.joining import JoinProposalEnded, JoinProposed
from shared.events.mistaken import ConsentInvalidated
from shared.events.parents import ParentsWordRecorded
from shared.events.participation import ParticipationSaid
from shared.events.referral import (
    MatchSuspected,
    ReferralAmended,
    ReferralOverdue,
    ReferralReceived,
    ReferralStatusChanged,
)
from shared.events.risk import RiskEscalated
from shared.events.rota import RotaChanged, RotaGapsChanged
from shared.events.sharing import (
    BasisEnded,
    BasisRecorded,
    ConsentRecorded,
    ConsentReviewed,
    RecorderKnown,
    SafetyMarked,
    ServiceAgreementRecorded,
)
from shared.events.subject import (
    AboutSharing,
    MatchDecidedAgain,
    MatchDoubted,
    SubjectDescribed,
    SubjectLinked,
    SubjectMatchDecided,
    SubjectRelinked,
    SubjectTurning18,
)
from shared.events.transfer import (
    ReferralTransferred,
    TransferEnded,
    TransferProposed,
    TransferUnanswered,
)
from shared.events.unsafe import (
    AllocationCoverCalled,
    AllocationHolderChanged,
    AllocationTakenAway,
)
from shared.events.workers import HubRegistered, SupervisionTakenBack, WorkerRegistered
from shared.messaging.dispatch import Handlers, on


def handlers(stores: Stores) -> Handlers:
    """Queue → what handles its events. A projection is durable before anything is decided on it."""
    return {**_of_referrals(stores), **_of_cases(stores), **_of_sharing(stores)}


def _of_referrals(stores: Stores) -> Handlers:
    cases = Cases(stores)
    return {
        "notify.referrals": [
            on(ReferralReceived, cases.on_referral),
            on(ReferralAmended, cases.on_amended),
            on(ReferralStatusChanged, cases.on_status_changed),
            on(ReferralOverdue, cases.on_referral),
            on(ReferralErased, cases.on_erased),
            on(MatchSuspected, cases.on_referral),
            on(JoinProposed, cases.on_referral),
            on(JoinProposalEnded, cases.on_referral),
            on(TransferProposed, cases.on_referral),
            on(TransferUnanswered, cases.on_referral),
            on(TransferEnded, cases.on_referral),
            on(ReferralTransferred, cases.on_transferred),
            on(ParticipationSaid, cases.on_said),
            on(AdviceAsked, partial(tell_of_advice, stores)),
            on(AdviceWritten, partial(tell_of_advice, stores)),
            on(AdviceUnanswered, partial(tell_of_advice, stores)),
        ],
    }


def _of_cases(stores: Stores) -> Handlers:
    cases, directory = Cases(stores), Directory(stores)
    return {
        "notify.allocations": [
            on(AllocationMade, cases.on_referral),
            on(AllocationWaiting, cases.on_referral),
            on(AllocationAccepted, cases.on_referral),
            on(AllocationDeclined, cases.on_referral),
            on(AllocationLapsed, cases.on_referral),
            on(AllocationHandedOver, cases.on_referral),
            on(AllocationEscalated, cases.on_referral),
            on(AllocationClosed, cases.on_referral),
            on(AllocationTakenAway, cases.on_referral),
            on(AllocationHolderChanged, cases.on_referral),
            on(AllocationCoverCalled, cases.on_referral),
            on(RiskEscalated, cases.on_risk_escalated),
            on(HubRegistered, directory.on_hub),
            on(WorkerRegistered, directory.on_worker),
            on(RotaGapsChanged, partial(tell_of_gaps, stores)),
            on(RotaChanged, partial(tell_of_cover, stores)),
            on(LeaveRequested, partial(tell_of_leave, stores)),
            on(LeaveUndecided, partial(tell_of_leave, stores)),
            on(LeaveDecided, partial(tell_of_leave, stores)),
            on(SupervisionTakenBack, partial(tell_of_supervision, stores)),
        ],
    }


def _of_sharing(stores: Stores) -> Handlers:
    sharing = Sharing(stores)
    return {
        # A queue of its own, so that a withdrawal never waits behind a backlog.
        "notify.consent": [
            on(SubjectLinked, sharing.on_sharing),
            on(SubjectMatchDecided, sharing.on_sharing),
            on(MatchDoubted, sharing.on_sharing),
            on(MatchDecidedAgain, sharing.on_sharing),
            on(SubjectTurning18, sharing.on_sharing),
            on(SubjectDescribed, sharing.on_sharing),
            on(ConsentRecorded, sharing.on_consent),
            on(ConsentReviewed, sharing.on_sharing),
            on(RecorderKnown, sharing.on_sharing),
            on(ConsentInvalidated, sharing.on_sharing),
            on(ParentsWordRecorded, sharing.on_sharing),
            on(ServiceAgreementRecorded, sharing.on_sharing),
            on(BasisRecorded, sharing.on_sharing),
            on(BasisEnded, sharing.on_sharing),
            on(SafetyMarked, sharing.on_mark),
            on(SubjectRelinked, sharing.on_relinked),
        ],
        "notify.agreements": [
            on(AgreementProposed, sharing.on_agreement),
            on(AgreementAmended, sharing.on_agreement),
            on(AgreementSigned, sharing.on_agreement),
            on(AgreementReviewed, sharing.on_agreement),
            on(AgreementEnded, sharing.on_agreement),
            on(AgreementExpiring, sharing.on_agreement),
            on(AgreementLapsed, sharing.on_agreement),
            on(AgencyRegistered, sharing.on_agency),
            on(AgencyAmended, sharing.on_agency),
        ],
    }


class Sharing:
    """Events that may change what an agency is permitted to hear. What was told is decided on again,
    only after the projection is written: whoever sends from then on reads it, and what was sent before
    is found.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores, self._projections = stores, stores.projections

    async def on_sharing(self, event: Event[AboutSharing]) -> None:
        """A young person's sharing state moves."""
        subject_id = event.data.subject_id
        await self._projections.subjects.apply(subject_id, event)
        where: dict[str, Any] = {"subject_id": subject_id}
        marks = isinstance(event.data, SafetyMarked | SubjectRelinked)
        if marks:  # also what was told of a referral while it was about somebody else
            where = {"$or": [where, {"referral_id": {"$in": list(event.data.referral_ids)}}]}
        await self._re_evaluate(where, workers=marks)
        await tell_news(self._stores, event)

    async def on_consent(self, event: Event[ConsentRecorded]) -> None:
        """A young person's consents move; where one waits for the Hub, it is told."""
        await self.on_sharing(event)
        await tell_of_claim(self._stores, event)

    async def on_mark(self, event: Event[SafetyMarked]) -> None:
        """Somebody is unsafe for a young person, or no more; of a no that they recorded the Hub is told."""
        await self.on_sharing(event)
        await tell_of_claim(self._stores, event)

    async def on_relinked(self, event: Event[SubjectRelinked]) -> None:
        """A referral goes from one young person to another."""
        await self._projections.cases.apply(event.data.referral_id, event)
        await self.on_sharing(event)
        await self._re_evaluate({"referral_id": event.data.referral_id})

    async def on_agreement(self, event: Event[AboutAgreement]) -> None:
        """An agreement moves: each of its parties may hear more, or less."""
        await self._projections.agreements.apply(event.data.agreement_id, event)
        parties = list(event.data.terms.parties)
        await self._re_evaluate({"recipient_id": {"$in": parties}, "ground": "sharing"})

    async def on_agency(self, event: Event[AboutAgency]) -> None:
        """An agency moves; one that is inactive now is told nothing more."""
        agency_id = event.data.agency_id
        await self._projections.agencies.apply(agency_id, event)
        grounds = {"ground": "sharing"} if event.data.active else {}
        await self._re_evaluate({"recipient_id": agency_id, **grounds})

    async def _re_evaluate(self, where: dict[str, Any], *, workers: bool = False) -> None:
        stores = self._stores
        await stores.notifications.re_evaluate_soon(where, stores.clock(), workers=workers)
