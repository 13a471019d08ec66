"""Signatures, and the addresses that a webhook may not have."""

import base64
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from services.notify.delivery.addresses import is_public
from services.notify.delivery.mail import Mailer
from services.notify.delivery.webhook import sign

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_the_signature_is_accepted_by_the_standard_verifier_also_of_two(secret: str) -> None:
    at = datetime.now(UTC)
    body = b'{"referral_id":"ref_1"}'
    headers = {
        "webhook-id": "ntf_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(sign(s, "ntf_1", at, body) for s in (SECRET, OTHER)),
    }

    assert Webhook(secret).verify(body, headers) == json.loads(body)
    with pytest.raises(Exception, match="signature"):
        Webhook(secret).verify(body.replace(b"ref", b"fer"), headers)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1"),
        *("64:ff9b::a00:1", "2002:a00:1::", "ff02::1", "nonsense"),
    ],
)
def test_addresses_of_our_own_network_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", ["http://mail.example", "smtps://", "smtp://mail.example:25"])
def test_a_mail_server_without_tls_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL"):
        Mailer(url, "from@hub.example")
