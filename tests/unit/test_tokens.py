"""Who a token says that its caller is; and that no odd claim becomes an actor, or a word of ours."""

import base64
import itertools
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from allinone.embedded import AUDIENCE, ISSUER, Keys
from shared.errors import Unauthenticated
from shared.web.accounts import MAX_SUB, Accounts
from shared.web.claims import Claims, Place
from shared.web.issuer_keys import Keys as PublicKeys
from shared.web.tokens import AS_WE_CALL_THEM, Caller, Tokens, issue

KEY, OTHER_KEY = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
OWN: dict[str, dict[str, str]] = {
    "agency": {"agency_id": "ag_1"},
    "worker": {"worker_id": "wk_1"},
    "hub_manager": {"hub_id": "hub_1"},
    "coordinator": {"area_id": "e10000002"},
    "auditor": {},
    "operator": {},
}
IDS = {"agency_id": "ag_1", "worker_id": "wk_1", "hub_id": "hub_1", "area_id": "e10000002"}
BY_ACCOUNT = ("hub_manager", "coordinator")
OPTIONAL = {("worker", "hub_id")}
ODD = ["", "x" * (MAX_SUB + 1), "two\nlines", "nul\x00", "\u202eturned", " before", "after ", "é"]
ODD_ALSO: list[Any] = [7, None, True, ["a"], {"a": 1}]
NO_IDS = ["Jane Doe", "Jane", "-jane", "a" * 41, "ag_1\n", "ag:1", "ag|1", "ag.1", "ägypten", "١"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


async def who(keys: Keys, **claims: Any) -> Caller:
    return await who_by(AS_WE_CALL_THEM, keys, **claims)


async def who_by(named: Claims, keys: Keys, **claims: Any) -> Caller:
    token = issue(keys.signing, issuer=ISSUER, audience=AUDIENCE, lifetime=60, **claims)
    public = PublicKeys(str(Path(keys.jwks)))
    return await Tokens(public, ISSUER, AUDIENCE, Accounts(KEY, ISSUER), named).verify(token)


@pytest.mark.parametrize("role", OWN)
@pytest.mark.parametrize("odd", [*ODD, *ODD_ALSO])
async def test_an_odd_subject_or_id_is_no_caller(keys: Keys, role: str, odd: Any) -> None:
    claims: dict[str, Any] = {"sub": "someone", "role": role, **OWN[role]}

    await who(keys, **claims)
    for name in ("sub", *OWN[role]):
        with pytest.raises(Unauthenticated):
            await who(keys, **{**claims, name: odd})


@pytest.mark.parametrize("role", OWN)
async def test_a_caller_knows_when_the_token_ends(keys: Keys, role: str) -> None:
    now = datetime.now(UTC)
    caller = await who(keys, sub="someone", role=role, **OWN[role])

    assert not caller.expired(now)
    assert not caller.expired(now + timedelta(seconds=55))
    assert caller.expired(now + timedelta(seconds=61))


@pytest.mark.parametrize("role", [role for role in OWN if OWN[role]])
@pytest.mark.parametrize("word", NO_IDS)
async def test_an_id_of_another_shape_is_no_caller(
    keys: Keys, role: str, word: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (name,) = OWN[role]

    with pytest.raises(Unauthenticated):
        await who(keys, sub="someone", role=role, **{name: word})
    assert f"{name} has not the shape of an id" in (said := "".join(capfd.readouterr()))
    assert len(word) < 5 or word.strip() not in said


@pytest.mark.parametrize(("role", "claim"), list(itertools.product(OWN, IDS)))
async def test_a_token_is_of_one_kind_of_caller(
    keys: Keys, role: str, claim: str, capfd: pytest.CaptureFixture[str]
) -> None:
    claims = {"sub": "Jane.Doe", "role": role, **OWN[role]}

    if claim in OWN[role] or (role, claim) in OPTIONAL:
        assert getattr(await who(keys, **{**claims, claim: IDS[claim]}), claim) == IDS[claim]
        return
    with pytest.raises(Unauthenticated):
        await who(keys, **{**claims, claim: IDS[claim]})
    said = "".join(capfd.readouterr())
    assert f"can't have {claim}" in said
    assert not [word for word in ("Jane", *IDS.values()) if word in said]


@pytest.mark.parametrize(
    "sub", ["auth0|5f7c", "A.Person@agency.example", "x" * MAX_SUB, "Jane Doe"]
)
@pytest.mark.parametrize("role", OWN)
async def test_subjects_as_issuers_make_them_are_callers_under_a_pseudonym(
    keys: Keys, sub: str, role: str
) -> None:
    caller = await who(keys, sub=sub, role=role, **OWN[role])

    assert re.fullmatch(r"usr_[0-9a-f]{32}", caller.account)
    own = next(iter(OWN[role].values()), caller.account)
    assert caller.actor == f"{role}:{caller.account if role in BY_ACCOUNT else own}"
    assert sub not in repr(caller)


async def test_one_person_has_one_account_in_every_role_and_spelling(keys: Keys) -> None:
    subs = ("jane@x.example", "Jane@x.example", "JANE@X.EXAMPLE")
    callers = [await who(keys, sub=sub, role=role, **OWN[role]) for sub in subs for role in OWN]

    assert len({caller.account for caller in callers}) == 1
    assert (await who(keys, sub="jane2@x.example", role="auditor")).account != callers[0].account


def test_an_account_depends_on_the_key_and_the_issuer() -> None:
    made = [Accounts(KEY, "a"), Accounts(OTHER_KEY, "a"), Accounts(KEY, "b"), Accounts(KEY, "as")]

    assert len({one.of(sub) for one in made for sub in ("me", "ame", "sme")}) == 12
    assert Accounts(KEY, "a").of("me") == made[0].of("me")


@pytest.mark.parametrize("key", ["", "no base64", "AAAA", base64.b64encode(bytes(31)).decode()])
def test_a_key_that_is_too_short_or_none_stops_the_start(key: str) -> None:
    with pytest.raises(ValueError, match=r"32 bytes|base64|padding"):
        Accounts(key, ISSUER)


@pytest.mark.parametrize("role", ["service", "admin", "", None, 1, ["agency"]])
async def test_no_other_role_is_a_caller(keys: Keys, role: Any) -> None:
    with pytest.raises(Unauthenticated):
        await who(keys, sub="someone", role=role)


HEAD = {"alg": "ES256", "typ": "at+jwt"}
WRONG: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "of another issuer": ({}, {"iss": ISSUER + "/other"}),
    "of no issuer": ({}, {"iss": None}),
    "for somebody else": ({}, {"aud": "other"}),
    "for nobody": ({}, {"aud": None}),
    "over": ({}, {"exp": 1}),
    "without an end": ({}, {"exp": None}),
    "not yet": ({}, {"nbf": 2**33}),
    "of another type": ({"typ": "id+jwt"}, {}),
    "with another algorithm of the list": ({"alg": "RS256"}, {}),
    "with no algorithm": ({"alg": "none"}, {}),
    "with the public key as a shared secret": ({"alg": "HS256"}, {}),
    "by another key": ({"kid": "ours"}, {}),
}


def made(keys: Keys, head: dict[str, Any], claims: dict[str, Any], name: str = "") -> str:
    """A token with this head and these claims, in the way that its name says."""
    now = int(datetime.now(UTC).timestamp())
    whole = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 60, **claims}
    whole = {"sub": "someone", "role": "auditor", **whole}
    given = {k: v for k, v in whole.items() if v is not None}
    header = {**HEAD, "kid": keys.signing.kid, **head}
    if header["alg"] == "ES256":
        key = ECKey.generate_key("P-256") if name == "by another key" else keys.signing
        header["kid"] = keys.signing.kid
        return jwt.encode(header, given, key, algorithms=["ES256"])
    if header["alg"] == "HS256":
        secret = OctKey.import_key(Path(keys.jwks).read_bytes())
        return jwt.encode(header, given, secret, algorithms=["HS256"])
    parts = (json.dumps(part).encode() for part in (header, given))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


@pytest.mark.parametrize("name", WRONG)
async def test_a_token_that_is_wrong_in_one_thing_is_none(keys: Keys, name: str) -> None:
    tokens = Tokens(PublicKeys(str(Path(keys.jwks))), ISSUER, AUDIENCE, Accounts(KEY, ISSUER))

    assert (await tokens.verify(made(keys, {}, {}))).role == "auditor"
    with pytest.raises(Unauthenticated):
        await tokens.verify(made(keys, *WRONG[name], name))


# How issuers say it: as claims within claims, under names that are addresses, as one of many roles.
SAID: dict[str, tuple[dict[str, Place], Callable[[str], dict[str, Any]]]] = {
    "within others": (
        {"role": ("realm_access", "roles"), **{name: ("hub_and_spoke", name) for name in IDS}},
        lambda role: {
            "realm_access": {"roles": ["offline_access", f"hs-{role}", "uma"]},
            "hub_and_spoke": OWN[role],
        },
    ),
    "by addresses": (
        {name: f"https://hub.example/{name}" for name in ("role", *IDS)},
        lambda role: {
            "https://hub.example/role": f"hs-{role}",
            **{f"https://hub.example/{name}": value for name, value in OWN[role].items()},
        },
    ),
    "as scopes": (
        {"role": "scope", "agency_id": "sub"},
        lambda role: {
            "scope": f"openid hs-{role} profile",
            "sub": OWN[role].get("agency_id", "x"),
            **{name: value for name, value in OWN[role].items() if name != "agency_id"},
        },
    ),
    "in a list": ({"role": "roles"}, lambda role: {"roles": [f"hs-{role}"], **OWN[role]}),
}


@pytest.mark.parametrize("role", OWN)
@pytest.mark.parametrize("how", SAID)
async def test_whatever_an_issuer_calls_it_the_caller_is_the_same(
    keys: Keys, how: str, role: str
) -> None:
    places, said = SAID[how]
    named = Claims(places, {f"hs-{each}": each for each in OWN})

    claims = {"sub": "x", **said(role)}
    assert await who_by(named, keys, **claims) == await who(
        keys, sub=claims["sub"], role=role, **OWN[role]
    )
    # What we call it is not what this issuer calls it, and proves nothing.
    with pytest.raises(Unauthenticated):
        await who_by(named, keys, sub="x", role=role, **OWN[role])


async def test_the_program_that_asked_is_no_agency_unless_the_role_is_one(keys: Keys) -> None:
    named = Claims({"role": "scope", "agency_id": "client_id"})
    told = {"sub": "x", "client_id": "ag_1"}

    assert (await who_by(named, keys, scope="auditor", **told)).agency_id is None
    assert (await who_by(named, keys, scope="agency", **told)).agency_id == "ag_1"


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(OWN, 2)])
async def test_who_has_two_of_our_roles_is_no_caller(keys: Keys, one: str, other: str) -> None:
    ids = {**OWN[one], **OWN[other]}
    for words in ({one: one, other: other}, {"a": one, "b": other}):
        with pytest.raises(Unauthenticated):
            await who_by(Claims({"role": "roles"}, words), keys, sub="x", roles=[*words], **ids)
    with pytest.raises(Unauthenticated):
        await who_by(Claims({"role": "scope"}), keys, sub="x", scope=f"{one} {other}", **ids)
    same = Claims({"role": "roles"}, {"a": one, "b": one})
    assert (await who_by(same, keys, sub="x", roles=["a", "b"], **OWN[one])).role == one
