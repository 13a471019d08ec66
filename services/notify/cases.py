"""Messages in about a referral, its allocation and its risk."""

from services.notify.rules.notify import notify
from services.notify.store import Stores
from shared.events import Event
from shared.events.allocation import AllocationEvent, AllocationMade, AllocationWaiting
from shared.events.erasure import ReferralErased
from shared.events.joining import JoinProposalEnded, JoinProposed
from shared.events.participation import ParticipationSaid
from shared.events.referral import (
    MatchSuspected,
    ReferralAmended,
    ReferralOverdue,
    ReferralReceived,
    ReferralStatusChanged,
)
from shared.events.risk import RiskEscalated
from shared.events.transfer import (
    ReferralTransferred,
    TransferEnded,
    TransferProposed,
    TransferUnanswered,
)

# What moves a case, and what the rules may notify somebody of.
OfReferral = ReferralReceived | ReferralOverdue | MatchSuspected | JoinProposed | JoinProposalEnded
OfTransfer = TransferProposed | TransferUnanswered | TransferEnded
OfCase = OfReferral | OfTransfer | AllocationMade | AllocationWaiting | AllocationEvent


class Cases:
    """Events about a referral, its allocation and its risk."""

    def __init__(self, stores: Stores) -> None:
        self._stores, self._cases = stores, stores.projections.cases

    async def on_referral(self, event: Event[OfCase]) -> None:
        """The case moves, and everyone whom the rules name is notified."""
        referral_id = event.data.referral_id
        state = await self._cases.apply(referral_id, event)
        await notify(self._stores, event, state.case(referral_id))

    async def on_amended(self, event: Event[ReferralAmended]) -> None:
        """Where it is about another young person now, all that was told is decided on again."""
        referral_id = event.data.referral_id
        state = await self._cases.apply(referral_id, event)
        if "subject_id" in event.data.amended:
            await self._re_evaluate(referral_id)
        await notify(self._stores, event, state.case(referral_id))

    async def on_status_changed(self, event: Event[ReferralStatusChanged]) -> None:
        """Where it should never have been, all that was told is decided on again."""
        referral_id = event.data.referral_id
        state = await self._cases.apply(referral_id, event)
        if state.void is not None:
            await self._re_evaluate(referral_id)
        await notify(self._stores, event, state.case(referral_id))

    async def on_transferred(self, event: Event[ReferralTransferred]) -> None:
        """Another Hub shares it now: all that was told is decided on again."""
        referral_id = event.data.referral_id
        state = await self._cases.apply(referral_id, event)
        await self._re_evaluate(referral_id)
        await notify(self._stores, event, state.case(referral_id))

    async def on_erased(self, event: Event[ReferralErased]) -> None:
        """All that was told is decided on again."""
        await self._cases.apply(event.data.referral_id, event)
        await self._re_evaluate(event.data.referral_id)

    async def on_said(self, event: Event[ParticipationSaid]) -> None:
        """Who may read what a young person said hears of it; of what is for nobody, nobody."""
        referral_id = event.data.referral_id
        if referral_id is not None:
            case = (await self._cases.get(referral_id)).case(referral_id)
            await notify(self._stores, event, case)

    async def on_risk_escalated(self, event: Event[RiskEscalated]) -> None:
        """A concern of one agency may raise the level of what a worker has had for long."""
        own = (await self._cases.get(event.data.referral_id)).case(event.data.referral_id)
        others = await self._stores.projections.held_by_workers(event.data.subject_id)
        for case in (own, *others):
            await notify(self._stores, event, case)

    async def _re_evaluate(self, referral_id: str) -> None:
        stores, where = self._stores, {"referral_id": referral_id}
        await stores.notifications.re_evaluate_soon(where, stores.clock(), workers=True)
