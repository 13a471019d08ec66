"""A Hub reads what is its own, and agencies and agreements are changed by their own people."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from allinone import sample
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import PEOPLE, Network, running
from tests.harness.waiting import until

STAR = {"If-Match": "*"}
SOUTH, NOWHERE = "hub_south", "hub_nowhere"
HUB_PEOPLE = {
    "north": {"sub": "mg_north", "role": "hub_manager", "hub_id": sample.HUB},
    "south": {"sub": "mg_south", "role": "hub_manager", "hub_id": SOUTH},
    "never registered": {"sub": "mg_none", "role": "hub_manager", "hub_id": NOWHERE},
    "worker of the Hub": {
        "sub": "wk",
        "role": "worker",
        "worker_id": "wk_other",
        "hub_id": sample.HUB,
    },
}


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("hubs"), ["referral"]) as started:
        await started.load_referral_sample()
        await started.hub_registered(SOUTH, "southtown")
        await known(started, SOUTH, 1)
        yield started


async def known(network: Network, hub_id: str, version: int) -> None:
    async def there() -> bool:
        hub = await network.mongo_of("referral")["known_hubs"].find_one({"_id": hub_id})
        return hub is not None and hub["version"] == version

    await until(there, deadline=20, what=f"version {version} of {hub_id}")


async def ask(
    network: Network, who: str, method: str, path: str, body: Any = None, **headers: str
) -> httpx2.Response:
    token = network.issue(**(HUB_PEOPLE | PEOPLE)[who])
    url = network.modules["referral"].url
    async with httpx2.AsyncClient(trust_env=False) as http:
        headers |= {"Authorization": f"Bearer {token}"}
        return await http.request(method, url + path, json=body, headers=headers)


async def readers(network: Network, referral_id: str) -> set[str]:
    """Who is shown it, alone and in the list alike; nobody may act who may not read."""
    shown = set()
    for who in HUB_PEOPLE:
        path = f"/v1/referrals/{referral_id}"
        one = await ask(network, who, "GET", path)
        listed = await ask(network, who, "GET", "/v1/referrals?limit=100")
        lines = listed.json()["referrals"] if listed.is_success else []
        acted = await ask(
            network, who, "POST", f"{path}/steps/screening", {}, **{"If-Match": '"no"'}
        )
        assert one.status_code in (200, 404)
        assert one.is_success == (referral_id in {line["id"] for line in lines}), who
        assert (acted.status_code == 412) == one.is_success, f"{who}: {acted.text}"
        shown |= {who} if one.is_success else set()
    return shown


async def referred(network: Network, key: str, area: str) -> str:
    answer = await network.refer(key, area=area, subject={"name": f"Sample Child {key}"})
    assert answer.status_code == 201
    return str(answer.json()["id"])


@pytest.mark.parametrize(
    ("area", "reader"),
    [("northtown", "north"), ("westby", "north"), ("southtown", "south"), ("fartown", None)],
)
async def test_until_it_is_placed_only_the_hub_of_its_area_reads_a_referral(
    network: Network, area: str, reader: str | None
) -> None:
    referral_id = await referred(network, f"fresh-{area}", area)

    assert await readers(network, referral_id) == ({reader} if reader else set())


async def test_late_and_doubled_news_of_a_hub_end_in_the_newest(network: Network) -> None:
    moves = await referred(network, "moves", "movetown")
    for version, areas in ((3, ["southtown", "movetown"]), (2, ["southtown"]), (3, ["other"])):
        await network.hub_registered(SOUTH, *areas, version=version)
    await known(network, SOUTH, 3)
    await network.quiet()
    had = await readers(network, moves)

    # The area goes on to the other Hub, whose news comes first.
    await network.hub_registered(sample.HUB, "northtown", "westby", "movetown", version=2)
    await known(network, sample.HUB, 2)
    between = await readers(network, moves)
    await network.hub_registered(SOUTH, "southtown", version=4)
    await known(network, SOUTH, 4)

    assert had == {"south"}
    assert between == set(), "never two Hubs"
    assert await readers(network, moves) == {"north"}


async def test_who_manages_no_registered_hub_is_nobody(network: Network) -> None:
    agency = {"name": "Theirs", "kind": "2a"}
    agreement = {**sample.ENTRIES[3][1], "parties": [NOWHERE, sample.SCHOOL]}
    asked: list[tuple[str, str, Any]] = [
        ("GET", "/v1/referrals", None),
        ("GET", f"/v1/agencies/{sample.SCHOOL}", None),
        ("GET", "/v1/agreements/isa_northtown", None),
        ("PUT", "/v1/agencies/ag_theirs", agency),
        ("PUT", "/v1/agreements/isa_theirs", agreement),
        ("POST", "/v1/agreements/isa_northtown/end", None),
        ("POST", "/v1/agreements/isa_northtown/signatures", {"version": 1}),
    ]
    for method, path, body in asked:
        answer = await ask(network, "never registered", method, path, body)
        assert answer.status_code in (403, 404), f"{method} {path}: {answer.text}"
    gone = await ask(network, "operator", "GET", "/v1/agencies/ag_theirs")
    assert gone.status_code == 404


async def kinds(network: Network, confirmed: str) -> dict[str, tuple[str, str | None]]:
    """Of all pages of the list, each agency with its kind and the kind that it claims."""
    found: dict[str, tuple[str, str | None]] = {}
    path = cursor = f"/v1/agencies?kind_confirmed={confirmed}&limit=2"
    while True:
        page = (await ask(network, "operator", "GET", cursor)).json()
        found |= {a["id"]: (a["kind"], a["claimed_kind"]) for a in page["agencies"]}
        if page["next"] is None:
            return found
        cursor = f"{path}&cursor={page['next']}"


async def test_an_agency_is_registered_by_operators_and_by_itself(network: Network) -> None:
    path, said = "/v1/agencies/ag_elsewhere", {"name": "Elsewhere", "kind": "2a"}
    others = ("north", "south", "never registered", "worker of the Hub", "school", "auditor")

    before = {w: (await ask(network, w, "PUT", path, said)).status_code for w in others}
    own = await ask(network, "stranger", "PUT", path, said)
    more = await ask(network, "stranger", "PUT", path, {**said, "areas": ["northtown"]}, **STAR)
    after = {w: (await ask(network, w, "PUT", path, said, **STAR)).status_code for w in others}
    waiting = await kinds(network, "false")
    confirmed = await ask(network, "operator", "PUT", path, said, **STAR)
    settled = await kinds(network, "true")
    listed = {w: (await ask(network, w, "GET", "/v1/agencies")).status_code for w in others}

    expected = {**dict.fromkeys(others, 403), "school": 404}
    assert (before, after) == (expected, expected)
    assert (own.json()["kind"], own.json()["claimed_kind"]) == ("10", "2a")
    assert (more.status_code, more.json()["code"]) == (409, "operators_only")
    assert (confirmed.json()["kind"], confirmed.json()["claimed_kind"]) == ("2a", None)
    assert waiting == {"ag_elsewhere": ("10", "2a")}
    assert settled["ag_elsewhere"] == ("2a", None)
    assert {sample.SCHOOL, sample.POLICE} <= set(settled)
    assert await kinds(network, "false") == {}
    assert {who for who, code in listed.items() if code == 200} == {"north", "south", "auditor"}


async def test_an_auditor_finds_organisations_and_no_persons(network: Network) -> None:
    persons = {f"ag_person_{kind}": kind for kind in ("1a", "1b", "1c", "1d", "9")}
    for agency, kind in persons.items():
        said = {"name": f"Name of {kind}", "kind": kind}
        (await ask(network, "operator", "PUT", f"/v1/agencies/{agency}", said)).raise_for_status()
    elsewhere, claims = {"name": "Elsewhere", "kind": "2a"}, {"name": "Name of", "kind": "1d"}
    await ask(network, "operator", "PUT", "/v1/agencies/ag_elsewhere", elsewhere)
    own = await ask(network, "stranger", "PUT", "/v1/agencies/ag_elsewhere", claims, **STAR)

    found = [(await ask(network, "auditor", "GET", "/v1/agencies?limit=100")).json()["agencies"]]
    path = "/v1/agencies?kind_confirmed=false"
    found += [(await ask(network, "auditor", "GET", path)).json()["agencies"]]
    to_manager = (await ask(network, "north", "GET", "/v1/agencies?limit=100")).json()["agencies"]
    await ask(network, "operator", "PUT", "/v1/agencies/ag_elsewhere", elsewhere, **STAR)

    assert own.json()["claimed_kind"] == "1d"
    assert {sample.SCHOOL, sample.POLICE} <= {each["id"] for each in found[0]}
    assert found[1] == [], "who says that they are a person is none yet"
    assert "Name of" not in str(found)
    assert {*persons, "ag_elsewhere"} <= {each["id"] for each in to_manager}


ACTS: list[tuple[str, str, Any]] = [
    ("PUT", "", {"parties": "own"}),
    ("GET", "", None),
    ("POST", "/signatures", {"version": 1}),
    ("POST", "/review", {"review_at": "2027-05-01T00:00:00Z"}),
    ("POST", "/end", None),
]


@pytest.mark.parametrize("who", ["worker of the Hub", "south", "never registered", "police"])
@pytest.mark.parametrize(("method", "act", "body"), ACTS, ids=[f"{m}{a}" for m, a, _ in ACTS])
async def test_nobody_but_the_people_of_its_parties_touches_an_agreement(
    network: Network, who: str, method: str, act: str, body: Any
) -> None:
    path = "/v1/agreements/isa_own"
    terms = {**sample.ENTRIES[3][1], "parties": [sample.SCHOOL, sample.HUB]}
    await ask(network, "operator", "PUT", path, terms)
    before = await ask(network, "operator", "GET", path)

    sent = {**terms, "frequency": "daily"} if method == "PUT" else body
    answer = await ask(network, who, method, path + act, sent, **{"If-Match": "*"})

    assert answer.status_code in (403, 404), answer.text
    after = await ask(network, "operator", "GET", path)
    assert (after.json(), after.headers["ETag"]) == (before.json(), before.headers["ETag"])


TERMS = {**sample.ENTRIES[3][1], "parties": [sample.SCHOOL, sample.HUB]}
WORDLESS = f"isa_{'0a' * 16}"


@pytest.mark.parametrize(
    ("agreement_id", "parties", "code"),
    [
        *((name, [], "agreement_id_invalid") for name in ("jane-doe", "isa_jane_doe", "isa_0a")),
        (f"{WORDLESS}0", [], "agreement_id_invalid"),
        (f"ref_{'0a' * 16}", [], "agreement_id_invalid"),
        (WORDLESS, ["jane-doe"], "party_unknown"),
        (WORDLESS, ["ag_jane_doe", sample.POLICE], "party_unknown"),
        (WORDLESS, ["hub_jane_doe"], "party_unknown"),
        ("isa_northtown", ["jane-doe"], "party_unknown"),
    ],
)
async def test_a_manager_makes_up_no_name_of_an_agreement_or_of_its_parties(
    network: Network, agreement_id: str, parties: list[str], code: str
) -> None:
    terms = {**TERMS, "parties": [*TERMS["parties"], *parties]}
    path = f"/v1/agreements/{agreement_id}"
    before = await ask(network, "operator", "GET", path)

    answer = await ask(network, "north", "PUT", path, terms, **{"If-Match": "*"})

    assert answer.status_code == 422, answer.text
    assert code in answer.text
    after = await ask(network, "operator", "GET", path)
    assert after.status_code == before.status_code
    assert after.headers.get("ETag") == before.headers.get("ETag")


async def test_a_manager_writes_down_an_agreement_of_registered_parties(network: Network) -> None:
    path = f"/v1/agreements/isa_{'0b' * 16}"
    terms = {**TERMS, "parties": [sample.SCHOOL, sample.HUB, SOUTH]}

    written = await ask(network, "north", "PUT", path, terms)
    amended = await ask(
        network, "south", "PUT", path, {**terms, "frequency": "daily"}, **{"If-Match": "*"}
    )

    assert (written.status_code, amended.status_code) == (200, 200), written.text + amended.text


STRANDED = {
    "id",
    "agency_id",
    "area",
    "area_word",
    "area_near",
    "status",
    "urgency",
    "received_at",
    "due_at",
    "overdue",
}


async def test_operators_find_what_no_hub_serves_in_codes_and_their_look_is_recorded(
    network: Network,
) -> None:
    stranded = await referred(network, "stranded", "emptytown")
    served = await referred(network, "not-stranded", "northtown")

    async def looked(referral_id: str) -> list[str]:
        looks = network.mongo_of("referral")["looks"].find({"referral_id": referral_id})
        return [look["viewer_id"] async for look in looks]

    listed = (await ask(network, "operator", "GET", "/v1/stranded?limit=100")).json()["referrals"]
    one = await ask(network, "operator", "GET", f"/v1/stranded/{stranded}")
    other = await ask(network, "operator", "GET", f"/v1/stranded/{served}")
    whole = await ask(network, "operator", "GET", f"/v1/referrals/{stranded}")

    assert stranded in {line["id"] for line in listed}
    assert served not in {line["id"] for line in listed}
    assert (one.status_code, other.status_code, whole.status_code) == (200, 404, 404)
    assert set(one.json()) == STRANDED
    assert all(set(line) == STRANDED for line in listed)
    assert (one.json()["area"], one.json()["area_word"]) == ("unknown", "emptytown")
    # Two looks, and the refusal of the whole record; and the refusal of the one that has a Hub.
    assert await looked(stranded) == [network.account("operator")] * 3
    assert await looked(served) == [network.account("operator")]


@pytest.mark.parametrize("who", [*HUB_PEOPLE, "school", "police", "auditor"])
async def test_nobody_but_operators_is_shown_stranded_referrals(network: Network, who: str) -> None:
    stranded = await referred(network, "for-operators", "emptytown")

    for path in ("/v1/stranded", f"/v1/stranded/{stranded}"):
        assert (await ask(network, who, "GET", path)).status_code == 403
