"""What the pages of transfers ask, and send: a referral goes from Hub to Hub once both have agreed."""

from typing import Any

from services.web.api import Refused
from services.web.forms import Ask, Errors, Said, amended, faults, refused, typed
from services.web.registering.choosing import choices, one_of
from services.web.registering.entries import Shown
from services.web.visit import Form, Visit
from services.web.words import options

REFUSAL = Ask(
    "reason",
    "Why is it not taken?",
    "select",
    options("transfer_refusal"),
    needed="Choose why it is not taken",
)
# What can be said to a proposal, and what is asked for it.
ANSWERS: dict[str, list[Ask]] = {"acceptance": [], "decline": [REFUSAL], "withdrawal": []}


async def proposal_asks(visit: Visit) -> list[Ask]:
    """To whom, why, and where the young person moves, if they do."""
    found, beyond = await choices(visit, "hubs")
    others = [each for each in found if each[0] != visit.person.hub_id]
    hub, needed = "Which Hub shall take it?", "Choose the Hub"
    return [
        Ask("to_hub_id", hub, "text" if beyond else "select", others, needed=needed),
        Ask("reason", "Why?", "select", options("transfer_reason"), needed="Choose why"),
        await one_of(
            visit,
            "area",
            "Area that the young person moves to",
            "areas",
            hint="Only if they move. It is one that the other Hub serves.",
        ),
    ]


async def proposal(visit: Visit, referral_id: str) -> tuple[Shown, str]:
    """The form, and the tag of the referral as it is shown. Raises `Refused`."""
    known = await visit.api.ask("referral", "GET", f"/v1/referrals/{referral_id}")
    return Shown(await proposal_asks(visit), {}), known.tag


async def proposed(visit: Visit, referral_id: str, form: Form) -> Shown:
    """Propose it. Nothing changes until the other Hub's manager accepts."""
    asks = await proposal_asks(visit)
    said = typed(asks, form)
    wrong = faults(asks, said)
    if not wrong:
        path = f"/v1/referrals/{referral_id}/transfer"
        wrong = await _sent(visit, path, amended(asks, said, {}), form.text("tag"), asks)
    return Shown(asks, said, wrong)


async def answered(visit: Visit, referral_id: str, name: str, form: Form) -> tuple[Said, Errors]:
    """Accept, decline or take back the proposal that was shown."""
    asks = ANSWERS[name]
    said = typed(asks, form)
    wrong = faults(asks, said)
    if not wrong:
        path = f"/v1/transfers/{referral_id}/{name}"
        sent = amended(asks, said, {}) if asks else None
        wrong = await _sent(visit, path, sent, form.text("tag"), [Ask("answer", ""), *asks])
    return said, wrong


async def _sent(visit: Visit, path: str, sent: Any, tag: str, asks: list[Ask]) -> Errors:
    try:
        await visit.api.post("referral", path, sent, tag=tag)
    except Refused as error:
        return refused(error, asks)
    return {}
