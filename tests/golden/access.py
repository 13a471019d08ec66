"""The page of access that is committed: `make access` writes it, a test holds it equal."""

import sys
from pathlib import Path

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.rules.access import roles_of
from shared.rules.access_table import TABLE, Action
from shared.rules.relations import RELATIONS, ROLE_OF, ROLES, Relation, possible
from shared.web.access import Declared
from tests.golden.openapi import app_of, routes_of

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
SERVICES = ("referral", "allocation", "notify", "audit")
HEADINGS: dict[Relation, str] = {
    "own_agency": "own agency",
    "colleague": "colleague, of what is one account's",
    "referrer": "referrer",
    "partner": "partner with a ground",
    "other_agency": "other agency",
    "worker_in_person": "worker in person",
    "worker_on_case": "worker on the case",
    "worker_holding": "duty worker who holds it",
    "worker_before": "worker who had it",
    "worker_of_hub": "worker of the Hub",
    "other_worker": "other worker",
    "manager_of_hub": "manager of the Hub",
    "other_manager": "other manager",
    "coordinator_of_area": "coordinator of the area",
    "other_coordinator": "other coordinator",
    "auditor": "auditor",
    "operator": "operator",
    "outsider": "operator, of another's inbox",
    "unsafe": "unsafe",
    "left": "left or inactive",
}
TOP = """\
# Who may do what

Made from the code by `make access`; `tests/system/test_access_matrix.py` sends a request for every
cell that can occur, by every role that can stand so, and fails where one is missing.

Every route is one *action*. Whoever asks stands in exactly one *relation* to what is asked about;
it follows from their verified token and from what the service knows, never from what they say. The
rule is `shared/rules/access.py`, the table `shared/rules/access_table.py`; all services use both.

| sign | answer |
|---|---|
| yes | it is done, or a rule about its content refuses it (409, 422) |
| 404 | "not yours" and "not there" are the same answer, word for word |
| 403 | this role can do it with nothing; said before anything is looked up |
| 409 | it is not taken, and the answer says why |
| – | nobody can stand so to a thing of this kind |

Without a valid token every answer is 401. **Unsafe**: marked, in person, by account or through
the agency they belong to or sit in, as unsafe for the young person; it goes before every other
relation; a role that can do it with nothing hears 403 here, too. **Left**: a worker who was
removed, an agency that is inactive, a manager of a Hub that nobody registered. Nothing is there for
them, on any route of any service, until they are active (registered) again; a role that can do it
with nothing hears 403. One answer differs: an inactive agency that sends a referral hears 409
`agency_inactive`, that it was not taken, and whom to phone. An agency that nobody registered has not
left: it sends, and reads its own. A partner *with a ground*
is one that an agreement and a ground let see something now ([sharing.md](sharing.md)); what it
sees is decided category by category. Lists and searches show only what is one's own; they answer
everybody who may do it with something.

"""


def action_of(route: APIRoute) -> Action | None:
    """The action a route declares; None if it has none, or several."""

    def actions(dependant: Dependant) -> list[Action]:
        call = dependant.call
        own: list[Action] = [call.action] if isinstance(call, Declared) else []
        return [*own, *(found for each in dependant.dependencies for found in actions(each))]

    found = actions(route.dependant)
    return found[0] if len(found) == 1 else None


def expected(action: Action, role: str, relation: Relation) -> str:
    """The answer of one cell as the table says it: `yes`, or a status."""
    row = TABLE[action]
    if relation in row.relations:
        return "yes"
    if role not in roles_of(action) and not row.hidden:
        return "403"
    return "409" if (action, relation) == ("send", "left") else "404"


def shown(action: Action, relation: Relation) -> str:
    """One cell of the page. To be unsafe, or to have left, is told as for a role that may."""
    role = ROLE_OF.get(relation) or min(roles_of(action) & set(ROLES), key=ROLES.index)
    roles = [one for one in ROLES if possible(one, relation, TABLE[action].about)]
    return expected(action, role, relation) if roles else "–"


def document() -> str:
    """The page."""
    return TOP + "\n".join(_of_service(service) for service in SERVICES)


def _of_service(service: str) -> str:
    head = " | ".join(HEADINGS[one] for one in RELATIONS)
    lines = [f"## {service}\n", f"| route | action | {head} |", "|---" * (2 + len(RELATIONS)) + "|"]
    for route in routes_of(app_of(service)):
        action = action_of(route) or "?"
        cells = " | ".join(shown(action, one) for one in RELATIONS)
        method = min(route.methods or ())
        lines.append(f"| `{method} {route.path}` | {action} | {cells} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(document(), "utf-8")
    sys.stdout.write(f"{PAGE}\n")
