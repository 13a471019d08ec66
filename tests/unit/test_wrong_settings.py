"""Each service is started with each of its settings wrong: the setting is named, nothing else is
said, and the process would end with the code of a wrong setting."""

import contextlib
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from services.allocation.app import DEFAULT_POLICY as RISK
from services.allocation.app import AllocationSettings
from services.allocation.app import build as allocation
from services.audit.app import AuditSettings
from services.audit.app import build as audit
from services.notify.app import DEFAULT_POLICY as TELLING
from services.notify.app import NotifySettings
from services.notify.app import build as notify
from services.referral.app import ReferralSettings
from services.referral.app import build as referral
from shared.operating.runner import Build
from shared.operating.settings import Settings
from shared.operating.start import CONFIGURATION, start
from tests.harness.cases import every_case
from tests.unit.test_start import ANY_TEXT, FILES, MARK, RIGHT, wrong_values

SERVICES: dict[str, tuple[type[Settings], Callable[[Any], Build]]] = {
    "referral": (ReferralSettings, referral),
    "allocation": (AllocationSettings, allocation),
    "notify": (NotifySettings, notify),
    "audit": (AuditSettings, audit),
}
# What only the settings' own reader finds wrong; `FILES` are written by the test.
OWN = {
    "auth_jwks": ("/nowhere/jwks.json", "/", "https://", "http://issuer.example/jwks"),
    "http_certificate_file": ("/nowhere/tls.crt",),
    "http_key_file": ("/nowhere/tls.key",),
    "smtp_url": (MARK, "http://mail.example", "smtps://", "smtp://m.example", "smtps://m:0x", "["),
    "mail_from": (MARK, "a b@c", "a@b@c"),
    "public_url": (MARK, "ftp://a.example", "https://", "https://a b"),
    "audit_origin": ("", "a b", "a+b"),
    "bus_prefix": ("a b", "x" * 65, "é"),
    "delivery_backoff": ("[]", "[0]", "5", MARK),
    "audit_quorum": ("1", MARK, "-1"),
    "audit_witnesses": ("x", '["x"]', "5"),
}


def cases() -> Iterator[tuple[str, str, str]]:
    for service, (kind, _) in SERVICES.items():
        for name, field in kind.model_fields.items():
            if name in FILES:
                continue
            values = OWN.get(name) or wrong_values(name, field.annotation)
            yield from ((service, name.upper(), value) for value in values)


@cache
def issuer_keys() -> str:
    return json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]})


def said(service: str, given: dict[str, str]) -> tuple[int, list[str]]:
    """How a start with these settings ends, and what it says."""
    kind, build = SERVICES[service]
    printed = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patched,
        tempfile.NamedTemporaryFile("w", suffix=".json") as keys,
        contextlib.redirect_stderr(printed),
    ):
        keys.write(issuer_keys())
        keys.flush()
        for name in kind.model_fields:
            patched.delenv(name.upper(), raising=False)
        for name, value in {**RIGHT, "AUTH_JWKS": keys.name, **given}.items():
            patched.setenv(name, value)
        code = start(service, kind, build, ["--check"])
    return code, printed.getvalue().splitlines()


@every_case(list(cases()))
def test_a_wrong_setting_ends_the_start_by_its_name(service: str, name: str, value: str) -> None:
    code, lines = said(service, {name: value})

    assert code == CONFIGURATION
    assert lines[0].startswith(f"{service} does not start")
    assert len(lines) >= 3
    for line in lines[1:-1]:
        assert line.startswith(f"  {name}"), lines
        assert MARK not in line or name.startswith("LIMIT_")


def test_every_setting_that_can_be_wrong_is_tried() -> None:
    tried = {(service, name.lower()) for service, name, _ in cases()}
    every = {(s, name) for s, (kind, _) in SERVICES.items() for name in kind.model_fields}
    assert every - tried == {("allocation", "risk_policy"), ("notify", "notify_policy")}
    assert set(OWN) >= ANY_TEXT


@pytest.mark.parametrize(
    ("service", "name", "right"),
    [("allocation", "RISK_POLICY", RISK), ("notify", "NOTIFY_POLICY", TELLING)],
)
def test_a_wrong_policy_file_is_named_by_its_setting_and_line(
    service: str, name: str, right: Path, tmp_path: Path
) -> None:
    file = tmp_path / "policy.toml"
    contents: tuple[tuple[bytes, str], ...] = (
        (b"", f"{file}:"),
        (b"this is no TOML", f"{file}:1: not TOML"),
        (b"\xff\xfe", "is no text"),
        (b"version = 1\n", f"{file}:1:"),
        (right.read_bytes() + b"\n[nonsense]\nx = 1\n", f"{file}:"),
    )
    for content, expected in contents:
        file.write_bytes(content)
        code, lines = said(service, {name: str(file)})
        assert code == CONFIGURATION, lines
        assert all(line.startswith(f"  {name}: ") for line in lines[1:-1]), lines
        assert expected in lines[1]
    for path, expected in ((tmp_path, "is a folder"), (tmp_path / "none", "there is no such file")):
        code, lines = said(service, {name: str(path)})
        assert code == CONFIGURATION
        assert lines[1:-1] == [f"  {name}: {expected}{'; expected a file' * (path == tmp_path)}"]
