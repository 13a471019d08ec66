"""Messages of the Booking and Referral Standard: in by the same steps as JSON, with the right answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.harness.bars import (
    PATIENT,
    a_message,
    condition,
    consent,
    example,
    flag,
    issues,
    of_a_child,
    resource,
)
from tests.harness.broker import Broker
from tests.harness.mongo import Mongo
from tests.harness.network import Network, running
from tests.harness.waiting import until

PROCESS = "/v1/bars/$process-message"
GROOMING = condition("700253008", "Suspected victim of grooming")


@pytest_asyncio.fixture(scope="module")
async def network(
    broker: Broker, mongo: Mongo, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Network]:
    async with running(broker, mongo, tmp_path_factory.mktemp("bars"), ["referral"]) as one:
        await one.load_referral_sample()
        yield one


async def send(
    network: Network, message: Any, by: str = "health", **headers: str
) -> httpx2.Response:
    kind = {"Content-Type": "application/fhir+json", **headers}
    return await network.ask(by, "POST", PROCESS, json=message, headers=kind)


async def taken(network: Network, message: Any) -> str:
    """The id of the referral that a message is about, which is taken."""
    answer = await send(network, message)
    assert answer.status_code == 200, answer.text
    return str(resource(answer.json(), "Encounter")["identifier"][0]["value"])


async def seen(network: Network, referral_id: str, by: str = "health") -> dict[str, Any]:
    answer = await network.ask(by, "GET", f"/v1/referrals/{referral_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_message_is_a_referral_like_any_other(network: Network) -> None:
    message = a_message("whole", GROOMING, flag("U", "Dog at the address"), reference="whole")
    named = {"X-Request-Id": "SYN-1", "X-Correlation-Id": "SYN-2"}

    answer = await send(network, message, **named)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json"
    assert {n: answer.headers[n] for n in named} == named
    header = resource(answer.json(), "MessageHeader")
    assert header["response"] == {"identifier": "whole", "code": "ok"}
    assert header["eventCoding"]["code"] == "servicerequest-response"
    referral_id = resource(answer.json(), "Encounter")["identifier"][0]["value"]
    assert answer.headers["location"] == f"/v1/referrals/{referral_id}"
    shown = await seen(network, referral_id)
    assert (shown["status"], shown["urgency"]) == ("received", "one_working_day")
    categories = shown["categories"]
    assert categories["identity"]["identity"]["name"] == "Sample Child"
    assert categories["identity"]["identity"]["known_as"] == "Sam"
    assert [one["code"] for one in categories["concerns"]["concerns"]] == ["grooming_observed"]
    assert "Synthetic text of the clinic." in str(categories["narrative"]["narrative"])
    assert categories["contact"]["visit_risk"]["risk"] == "yes"
    assert categories["submission"]["agency_reference"] == "whole"


async def test_the_same_message_is_one_and_another_under_its_id_is_a_conflict(
    network: Network,
) -> None:
    message = a_message("once", reference="once")

    answers = await asyncio.gather(*(send(network, message) for _ in range(4)))

    assert {one.status_code for one in answers} == {200}
    assert len({one.text for one in answers}) == 1
    other = await send(network, a_message("once", reference="another"))
    assert other.status_code == 409
    assert issues(other.json()) == [("duplicate", "REC_CONFLICT", "message_id_used")]
    again = await send(network, a_message("once-more", reference="once"))
    assert issues(again.json()) == [("duplicate", "REC_CONFLICT", "agency_reference_used")]


async def test_what_has_no_place_is_set_aside_whole_and_told_without_a_word_of_it(
    network: Network,
) -> None:
    strange = {"resourceType": "Questionnaire", "title": "MARKER of the clinic"}
    message = a_message("strange", strange, reference="strange", priority="as ever")

    answer = await send(network, message)

    told = resource(answer.json(), "OperationOutcome")["issue"]
    assert "/entry/5/resource: not_understood" in [one["diagnostics"] for one in told]
    assert "/urgency: unknown_code, counts as immediate" in [one["diagnostics"] for one in told]
    assert "MARKER" not in answer.text
    referral_id = resource(answer.json(), "Encounter")["identifier"][0]["value"]
    shown = await seen(network, referral_id)
    assert shown["urgency"] == "immediate"
    assert "not_understood" in shown["warnings"]
    assert "MARKER of the clinic" in str(shown["categories"]["submission"]["set_aside"])


async def test_an_update_says_only_what_is_new_and_undoes_nothing(network: Network) -> None:
    referral_id = await taken(network, a_message("first", reference="updated"))
    corrected = {"subject": {"address": "2 Sample Street"}, "narrative": "Of the Hub."}
    tag = {"If-Match": "*"}
    path = f"/v1/referrals/{referral_id}/amendments"
    answer = await network.ask("manager", "POST", path, json=corrected, headers=tag)
    assert answer.status_code == 200, answer.text
    patient = {"telecom": [*PATIENT["telecom"], {"system": "email", "value": "sam@young.example"}]}
    notes = [{"text": "Synthetic text of the clinic."}, {"text": "Seen again."}]
    update = a_message(
        "second", GROOMING, reference="updated", reason="update", patient=patient, note=notes
    )

    answers = await asyncio.gather(*(send(network, update) for _ in range(3)))
    answers.append(await send(network, update))

    assert [one.status_code for one in answers] == [200] * 4, answers[0].text
    shown = await seen(network, referral_id, "manager")
    texts = [one["text"] for one in shown["categories"]["narrative"]["narrative"]]
    assert str(texts).count("Synthetic text of the clinic.") == 1
    assert str(texts).count("Seen again.") == 1
    assert shown["categories"]["contact"]["address"]["address"] == "2 Sample Street"
    ways = [one["value"] for one in shown["categories"]["contact"]["contacts"]["ways"]]
    assert ways == ["01632 960001", "sam@young.example"]
    assert len(shown["categories"]["concerns"]["concerns"]) == 1
    nothing = await send(
        network,
        a_message(
            "third", GROOMING, reference="updated", reason="update", patient=patient, note=notes
        ),
    )
    assert nothing.status_code == 200
    again = await seen(network, referral_id, "manager")
    assert again["categories"] == shown["categories"]


async def test_a_later_message_under_a_used_id_is_a_conflict(network: Network) -> None:
    await taken(network, a_message("a", reference="two-updates"))
    one = a_message("b", reference="two-updates", reason="update", note=[{"text": "One."}])
    other = a_message("b", reference="two-updates", reason="update", note=[{"text": "Other."}])

    assert (await send(network, one)).status_code == 200
    assert issues((await send(network, other)).json())[0][2] == "message_id_used"


@pytest.mark.parametrize(
    ("status", "ends", "request_status"),
    [
        ("revoked", "withdrawn", "revoked"),
        ("entered-in-error", "entered_in_error", "entered-in-error"),
    ],
)
async def test_a_message_ends_its_referral_and_the_sender_reads_how_it_stands(
    network: Network, status: str, ends: str, request_status: str
) -> None:
    referral_id = await taken(network, a_message(f"to-{status}", reference=status))
    last = a_message(
        f"is-{status}", reference=status, reason="update", status=status, note=[{"text": "Why."}]
    )

    assert await taken(network, last) == referral_id
    assert await taken(network, last) == referral_id

    shown = await seen(network, referral_id)
    assert shown["status"] == ends
    assert ("Why." in str(shown["categories"])) == (status == "revoked")
    answer = await network.ask("health", "GET", f"/v1/bars/responses/{referral_id}")
    assert resource(answer.json(), "ServiceRequest")["status"] == request_status
    assert resource(answer.json(), "MessageHeader")["response"]["identifier"] == f"to-{status}"


async def test_the_response_says_accepted_rejected_and_not_brought(network: Network) -> None:
    told = {}
    for name, step, entry in (
        ("yes", "acceptance", {}),
        ("no", "rejection", {"reason": "no_capacity"}),
        ("absent", "withdrawal", {"reason": "not_engaged"}),
    ):
        referral_id = await taken(network, a_message(name, reference=name))
        path = f"/v1/referrals/{referral_id}/steps/{step}"
        answer = await network.ask("manager", "POST", path, json=entry, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        found = await network.ask("health", "GET", f"/v1/bars/responses/{referral_id}")
        again = await network.ask("health", "GET", f"/v1/bars/responses/{referral_id}")
        assert found.json() == again.json()
        encounter = resource(found.json(), "Encounter")
        reasons = [one["coding"][0]["code"] for one in encounter["reasonCode"]]
        told[name] = encounter["status"], reasons, encounter["reasonCode"][0]["text"]

    assert told["yes"] == ("triaged", ["accepted"], "Accepted.")
    assert told["no"] == ("cancelled", ["rejected", "no_capacity"], "Rejected.")
    assert "not brought" in told["absent"][2]


async def test_a_no_in_a_message_counts_and_a_yes_is_asked_for(network: Network) -> None:
    referral_id = await taken(
        network, a_message("consents", consent("OPTIN", "permit"), reference="consents")
    )
    path = f"/v1/referrals/{referral_id}/sharing"
    before = (await network.ask("manager", "GET", path)).json()
    update = a_message(*("no", consent("OPTOUT", "deny")), reference="consents", reason="update")

    assert await taken(network, update) == await taken(network, update) == referral_id

    after = (await network.ask("manager", "GET", path)).json()
    assert before["sharing"]["consents"] == []
    (refused,) = after["sharing"]["consents"]
    assert (refused["status"], len(refused["categories"])) == ("refused", 12)
    kept = (await seen(network, referral_id))["categories"]["submission"]["set_aside"]
    assert "OPTIN" in str(kept)


async def test_a_later_message_is_for_its_sender_alone(network: Network) -> None:
    referral_id = await taken(network, a_message("mine", reference="mine"))
    ours = referral_id.replace("_", "-")
    update = a_message("theirs", reference="mine", reason="update", note=[{"text": "Theirs."}])
    named = a_message("named", reference=ours, reason="update", note=[{"text": "Theirs."}])

    answers = [await send(network, each, by="police") for each in (update, named)]

    assert [issues(one.json()) for one in answers] == [
        [("not-found", "REC_NOT_FOUND", "not_found")]
    ] * 2
    assert "Theirs." not in str(await seen(network, referral_id))
    assert await taken(network, {**named, "id": "by-its-sender"}) == referral_id
    assert "Theirs." in str(await seen(network, referral_id))


@pytest.mark.parametrize("point", ["message.after_news", "amend.before_record"])
async def test_a_message_that_died_half_way_goes_on_when_it_is_sent_again(
    network: Network, point: str
) -> None:
    referral_id = await taken(network, a_message(f"{point}-1", reference=point))
    last = a_message(
        f"{point}-2",
        reference=point,
        reason="update",
        status="revoked",
        patient={"birthDate": "2012-05-18"},
        note=[{"text": "Moved away."}],
    )
    process = await network.replace("referral", FAULTS="1", FAULT=point)
    with pytest.raises(httpx2.HTTPError):
        await send(network, last)
    await until(lambda: not process.running, deadline=20, what=f"dying at {point}")
    await network.replace("referral")
    half = (await seen(network, referral_id))["status"]

    assert await taken(network, last) == referral_id

    shown = await seen(network, referral_id)
    assert (half, shown["status"]) == ("received", "withdrawn")
    assert str(shown["categories"]["narrative"]).count("Moved away.") == 1


ADULT = a_message("adult", reference="adult", patient={"birthDate": "1959-05-04"})
URGENT = [{"coding": [{"system": "urn:sample", "code": "validation"}]}]
DECLINED = {
    "an adult": ADULT,
    "urgent care": a_message("urgent", reference="urgent", category=URGENT),
    "a booking": a_message("booking", reference="booking", event="booking-request"),
    "a response": a_message("response", reference="response", event="servicerequest-response"),
}


@pytest.mark.parametrize("name", DECLINED)
async def test_what_is_for_another_service_is_declined_politely(
    network: Network, name: str
) -> None:
    answer = await send(network, DECLINED[name], **{"X-Request-Id": "SYN-3"})

    assert answer.status_code == 422
    assert answer.headers["x-request-id"] == "SYN-3"
    assert issues(answer.json()) == [("not-supported", "REC_UNPROCESSABLE_ENTITY", "not_supported")]
    assert "Nothing was stored" in answer.json()["issue"][0]["diagnostics"]


async def test_urgent_care_for_a_child_of_concern_is_taken(network: Network) -> None:
    message = a_message("both", GROOMING, reference="both", category=URGENT)

    assert (await send(network, message)).status_code == 200


FAULTS: dict[str, tuple[Any, int, tuple[str, str]]] = {
    "no bundle": ({"resourceType": "Patient"}, 400, ("invalid", "REC_BAD_REQUEST")),
    "no request": (
        {**a_message(), "entry": a_message()["entry"][:1]},
        400,
        ("required", "REC_BAD_REQUEST"),
    ),
    "another type": (
        a_message("t", reference="t", patient={"birthDate": 1337212800}),
        400,
        ("invalid", "REC_BAD_REQUEST"),
    ),
    "unknown": (
        a_message("u", reference="nobody-has-it", reason="update"),
        404,
        ("not-found", "REC_NOT_FOUND"),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_an_operation_outcome(network: Network, name: str) -> None:
    message, status, told = FAULTS[name]

    answer = await send(network, message)

    assert (answer.status_code, issues(answer.json())[0][:2]) == (status, told), answer.text
    assert answer.headers["content-type"] == "application/fhir+json"


async def test_who_may_not_is_told_so_in_fhir_and_gets_no_word_of_theirs_back(
    network: Network,
) -> None:
    message, word = a_message("w", reference="w"), {"X-Request-Id": "a word, a name"}

    refused = await send(network, message, "worker", **word)
    url = network.modules["referral"].url + PROCESS
    nobody = await network.http.post(url, json=message)

    assert issues(refused.json()) == [("forbidden", "REC_FORBIDDEN", "forbidden")]
    assert "x-request-id" not in refused.headers
    assert issues(nobody.json()) == [("forbidden", "REC_UNAUTHORIZED", "unauthenticated")]
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"] == "Bearer"


async def test_the_capability_says_what_is_taken(network: Network) -> None:
    answer = await network.ask("health", "GET", "/v1/bars/metadata")

    assert answer.json()["fhirVersion"] == "4.0.1"
    assert answer.json()["rest"][0]["operation"][0]["name"] == "process-message"


async def test_the_examples_of_the_standard_are_answered_as_they_should_be(
    network: Network,
) -> None:
    adult, booking = example("request-validation.json"), example("request-booking.json")
    declined = [await send(network, one) for one in (adult, booking)]
    child = of_a_child(adult)

    referral_id = await taken(network, child)

    for one in declined:
        assert issues(one.json())[0][:2] == ("not-supported", "REC_UNPROCESSABLE_ENTITY")
        expected = example("outcome-422-REC_UNPROCESSABLE_ENTITY-not-supported.json")["issue"][0]
        assert one.json()["issue"][0]["code"] == expected["code"]
        assert expected["details"]["coding"][0] in one.json()["issue"][0]["details"]["coding"]
    shown = await seen(network, referral_id)
    assert shown["categories"]["identity"]["identity"]["date_of_birth"] == "2012-05-04"
    assert "nhs_number_invalid" in shown["warnings"]
    assert shown["categories"]["family"]["history"]["implied_consent"] == "yes"
    assert await taken(network, child) == referral_id
    asked = await network.ask("health", "GET", "/v1/referrals")
    assert referral_id in [one["id"] for one in asked.json()["referrals"]]


OF_THE_HUB: dict[str, dict[str, Any]] = {
    "of-the-hub@example.org": {
        "contacts": {"ways": [{"kind": "email", "value": "of-the-hub@example.org"}]}
    },
    "SYN-OF-THE-HUB": {"identifiers": {"known": [{"value": "SYN-OF-THE-HUB"}]}},
    "cy": {"languages": ["cy"]},
}


def patient_with(phone: str, number: str, language: str) -> dict[str, Any]:
    return {
        "telecom": [*PATIENT["telecom"], {"system": "other", "value": phone}],
        "identifier": [*PATIENT["identifier"], {"system": "urn:sample:x", "value": number}],
        "communication": [{"language": {"coding": [{"code": language}]}}],
    }


SENT = (
    patient_with("01632 960044", "SYN-NEW", "pl"),
    patient_with("of-the-hub@example.org", "SYN-OF-THE-HUB", "cy"),
)


@pytest.mark.parametrize("secret", OF_THE_HUB)
async def test_a_message_tells_its_sender_nothing_that_others_recorded(
    network: Network, secret: str
) -> None:
    """Neither by writing it as the sender's own, nor by what is news and what is none."""
    changes = []
    for amended in (False, True):
        reference = f"{secret}-{amended}"
        referral_id = await taken(network, a_message(reference, reference=reference))
        path = f"/v1/referrals/{referral_id}"
        if amended:
            change, tag = f"{path}/amendments", {"If-Match": "*"}
            of_the_hub = OF_THE_HUB[secret]
            answer = await network.ask("manager", "POST", change, json=of_the_hub, headers=tag)
            assert answer.status_code == 200, answer.text
        tags = set()
        for number, patient in enumerate(SENT):
            update = a_message(
                f"{reference}-{number}", reference=reference, reason="update", patient=patient
            )
            assert (await send(network, update)).is_success
            shown = await network.ask("health", "GET", path)
            history = await network.ask("health", "GET", f"{path}/history")
            assert number or f'"{secret}"' not in shown.text + history.text
            tags.add(shown.headers["ETag"])
        changes.append(len(tags))
        theirs = (await network.ask("manager", "GET", path)).text
        assert all(word in theirs for word in ("01632 960044", "SYN-NEW", "pl", secret))
    assert changes == [2, 2]
