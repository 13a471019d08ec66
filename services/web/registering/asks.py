"""The questions about each kind of entry."""

from collections.abc import Mapping
from typing import Any

from services.web.forms import Ask
from services.web.registering.choosing import one_of, some
from services.web.visit import Visit
from services.web.words import options

Entry = Mapping[str, Any]
AT_LEAST_ONE_AREA = "Choose at least one area"
PLACE = "Choose where they sit"
PERCENT = "Enter a number from 1 to 100"
CODES = "Codes, with commas between."
CAP = "Left empty, the Hub’s cap for this role counts. Open cases stay, also over a lower cap."
LAST_DAY = "Left empty, until further notice."


async def agency_asks(visit: Visit, entry: Entry) -> list[Ask]:
    """An agency says its name and kind itself; all else an operator does."""
    own = [
        Ask("name", "Name", needed="Enter the name"),
        Ask("kind", "Kind", "select", options("agency_kind"), needed="Choose the kind"),
    ]
    if visit.person.role == "agency":
        return own
    areas = await some(visit, "areas", "Areas it works in", "areas", entry.get("areas", ()))
    return [*own, areas, Ask("active", "In use", "yes", hint="What is not is told nothing.")]


async def area_asks(_: Visit, __: Entry) -> list[Ask]:
    """An area, and what else it is called."""
    return [
        Ask("name", "Name", needed="Enter the name"),
        Ask("aliases", "Other names for it", "lines", hint="One on each line."),
        Ask("retired", "No longer used", "yes"),
    ]


async def hub_asks(visit: Visit, entry: Entry) -> list[Ask]:
    """A Hub and its policy. Which areas it has an operator says."""
    name = Ask("name", "Name", needed="Enter the name")
    if visit.person.role == "operator":
        kept = entry.get("areas", ())
        second = await some(visit, "areas", "Areas", "areas", kept, needed=AT_LEAST_ONE_AREA)
    else:
        duty, kept = "Who is on duty, while there is no rota", entry.get("duty_worker_id")
        second = await one_of(visit, "duty_worker_id", duty, "workers", kept)
    return [name, second, *_policy()]


def _policy() -> list[Ask]:
    risk, roles = options("risk_level"), options("worker_role")
    clocks = {
        "review_days": "Days between looks at a waiting case",
        "hold_review_days": "Days between looks at a resting case",
        "max_offers": "Offers before a manager decides",
    }
    answer, waiting = "Minutes to answer an offer", "Days of waiting before you are told, risk"
    numbers = {
        **{f"weights.{code}": f"Points of a case, risk: {said}" for code, said in risk},
        **{f"caps.{code}": f"Cap in points, full time: {said}" for code, said in roles},
        "soft_percent": "Soft cap in per cent of the hard cap",
        "supervision_days": "Days between supervisions",
        **{f"clocks.answer_minutes.{c}": f"{answer}: {said}" for c, said in options("urgency")},
        **{f"clocks.waiting_days.{c}": f"{waiting}: {said}" for c, said in risk},
        **{f"clocks.{name}": said for name, said in clocks.items()},
    }
    return [
        Ask("spoke_ceiling", "Spoke workers take cases up to this risk", "select", risk),
        Ask("debrief_from", "A debrief is offered from this risk", "select", risk),
        *(Ask(name, said, "number") for name, said in numbers.items()),
    ]


async def rota_asks(_: Visit, __: Entry) -> list[Ask]:
    """What holds of the whole rota."""
    return [
        Ask("nation", "Whose bank holidays count", "select", options("nation")),
        Ask("warn_days", "Days before a gap that you are warned", "number"),
    ]


async def span_asks(visit: Visit, entry: Entry) -> list[Ask]:
    """From a time to a time on some days, and who is on duty then."""
    return [
        Ask(
            "name",
            "Short name",
            hint="Small letters and digits, like early.",
            needed="Enter a name",
        ),
        Ask("days", "Days", "ticks", options("rota_day"), needed="Choose at least one day"),
        Ask("start", "From", "time", hint="Like 09:00.", needed="Enter a time, like 09:00"),
        Ask(
            "end",
            "To",
            "time",
            hint="Not later than the start, it is on the next day.",
            needed="Enter a time, like 17:00",
        ),
        *await _posted(visit, entry),
    ]


async def exception_asks(visit: Visit, entry: Entry) -> list[Ask]:
    """One day on which others are on duty."""
    return [
        Ask("on", "Day", "date", needed="Enter the day"),
        Ask("span", "Which time of duty", hint="Its short name.", needed="Enter its short name"),
        *await _posted(visit, entry),
    ]


async def _posted(visit: Visit, entry: Entry) -> list[Ask]:
    first, second = entry.get("worker_id"), entry.get("stand_in_id")
    return [
        await one_of(visit, "worker_id", "On duty", "workers", first),
        await one_of(visit, "stand_in_id", "Who stands in", "workers", second),
        Ask("cover", "Who is called while neither is there", hint="operators, for their desk."),
    ]


async def worker_asks(visit: Visit, entry: Entry) -> list[Ask]:
    """A worker: what they may take, and when. Of which Hub they are an operator says."""
    hub, kept = entry.get("hub_id"), entry.get("areas", ())
    host, sits = "host_agency_id", "Agency they sit with"
    asks = [
        Ask("name", "Name, as colleagues know it"),
        Ask("worker_role", "Role", "select", options("worker_role"), needed="Choose the role"),
        Ask("host_setting", "Where they sit", "select", options("setting"), needed=PLACE),
        await one_of(visit, host, sits, "agencies", entry.get(host)),
        await some(visit, "areas", "Areas", "areas", kept, needed=AT_LEAST_ONE_AREA),
        *_room(),
    ]
    if visit.person.role == "operator":
        asks.insert(0, await one_of(visit, "hub_id", "Hub", "hubs", hub, needed="Choose the Hub"))
    return asks


def _room() -> list[Ask]:
    return [
        Ask("cap", "Cap in points, full time", "number", hint=CAP),
        Ask("fte_percent", "Working time in per cent", "number", needed=PERCENT),
        Ask("non_case_percent", "Share of it for other work than cases, in per cent", "number"),
        Ask("times", "When they can meet", "ticks", options("preferred_time")),
        Ask("experience_months", "Months of experience", "number"),
        Ask("newly_qualified_from", "Newly qualified since", "date"),
        Ask("qualifications", "Qualifications", "codes", hint=CODES),
        Ask("specialisms", "Specialisms", "codes", hint=CODES),
        Ask("languages", "Languages", "codes", hint="Codes of ISO 639, like en, pl, ur."),
    ]


async def leave_asks(_: Visit, __: Entry) -> list[Ask]:
    """Leave as it stands in the entry: sickness a manager enters."""
    return [
        Ask("kind", "Kind", "select", options("leave_kind"), needed="Choose the kind"),
        Ask("start", "First day", "date", needed="Enter the first day"),
        Ask("to", "Last day", "date", hint=LAST_DAY),
    ]


async def reduction_asks(_: Visit, __: Entry) -> list[Ask]:
    """A time in which the worker takes fewer cases."""
    return [
        Ask("percent", "Fewer by how many per cent", "number", needed=PERCENT),
        Ask("reason", "Why", "select", options("reduction_reason"), needed="Choose why"),
        Ask("start", "First day", "date", needed="Enter the first day"),
        Ask("to", "Last day", "date", hint=LAST_DAY),
    ]


async def conflict_asks(_: Visit, __: Entry) -> list[Ask]:
    """With whom the worker has a conflict of interest, as they said."""
    kinds = options("conflict_kind")
    return [
        Ask("kind", "With an agency, or about a referral", "select", kinds, needed="Choose which"),
        Ask("id", "Its id", needed="Enter the id"),
    ]
