"""E-mail by SMTP, to a real mail server on loopback."""

from pathlib import Path

import pytest
import pytest_asyncio

from services.notify.delivery.attempt import attempt
from services.notify.delivery.mail import Mailer
from services.notify.delivery.senders import by_email
from services.notify.subscriptions.proofs import confirm
from shared.storage.store import Database
from tests.harness.mailbox import certificate, mailbox
from tests.harness.processes import free_port
from tests.service.notifying import HUB, WORKER, Hands, Told, allocated, referral, stores_on

SENDER = "referrals@hub.example"


@pytest_asyncio.fixture
async def told(database: Database) -> Told:
    clock = Hands()
    stores = stores_on(database, clock)
    await stores.prepare()
    return Told(stores, clock)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A certificate for localhost that this process trusts, as it would a public one."""
    cert, key = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    return cert, key


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_a_mail_goes_out_encrypted_and_says_nothing_but_that_something_awaits(
    told: Told, trusted: tuple[Path, Path], scheme: str
) -> None:
    await told.network()
    await told.subscribed(WORKER, "worker", email="worker@hub.example")
    await told.happens("referral.received", "ref_1", **referral(area="northtown"))
    await told.happens("allocation.made", "all_1", **allocated())
    async with mailbox(scheme, *trusted) as box:
        send = by_email(told.stores, Mailer(box.url, SENDER), "https://hub.example")
        waiting = await told.stores.notifications.claim("email_due", 60)
        assert waiting is not None
        await attempt(told.stores, "email", send, waiting)

    (mail,) = box.mails
    assert box.encrypted == [True]
    assert (mail["To"], mail["From"]) == ("worker@hub.example", SENDER)
    assert mail["Subject"] == "Something in the referral network awaits you"
    text = mail.get_payload()
    assert "https://hub.example/v1/referrals/ref_1" in text
    assert "northtown" not in text
    found = await told.one(recipient_id=WORKER)
    assert (found.status, found.email and found.email.status) == ("delivered", "delivered")


async def test_a_certificate_of_somebody_else_is_not_trusted(
    tmp_path: Path, trusted: tuple[Path, Path]
) -> None:
    strangers = certificate(tmp_path, "elsewhere.example")
    for scheme in ("smtps", "smtp+starttls"):
        async with mailbox(scheme, *strangers) as box:
            outcome = await Mailer(box.url, SENDER).send("a@b.example", "id", "s", "t")

        assert outcome.result != "delivered"
        assert box.mails == []


@pytest.mark.parametrize(
    ("says", "result", "code"),
    [
        ("550 no such user", "permanent", "smtp_550"),
        ("450 later", "temporary", "smtp_450"),
    ],
)
async def test_for_now_and_for_good_are_told_apart(
    trusted: tuple[Path, Path], says: str, result: str, code: str
) -> None:
    async with mailbox("smtps", *trusted) as box:
        box.says = [says]
        outcome = await Mailer(box.url, SENDER).send("a@b.example", "id", "s", "t")

    assert (outcome.result, outcome.code) == (result, code)


async def test_a_mail_server_that_is_away_or_silent_raises_nothing(
    trusted: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    away = await Mailer(f"smtps://localhost:{free_port()}", SENDER).send(
        "a@b.example", "i", "s", "t"
    )

    assert (away.result, away.code) == ("temporary", "no_connection")


async def test_an_address_is_used_only_once_its_code_came_back(
    told: Told, trusted: tuple[Path, Path]
) -> None:
    await told.network()
    subscription = await told.subscribed(HUB, "hub", email="desk@hub.example", verify=False)
    async with mailbox("smtps", *trusted) as box:
        await confirm(told.stores, Mailer(box.url, SENDER), subscription)
        await told.happens("referral.received", "ref_1", **referral())
        await told.happens("allocation.made", "all_1", **allocated(level="significant"))

    (mail,) = box.mails
    assert told.stores.secrets.confirmation_code(subscription) in str(mail.get_payload())
    assert (await told.one(recipient_id=HUB)).email is None
    assert await told.stores.subscriptions.claim("confirm_due", 1) is None, "asked once"
