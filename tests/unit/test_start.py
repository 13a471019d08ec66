"""Whatever is wrong with a setting is said at the start, by its name and without quoting it."""

import base64
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from services.allocation.app import AllocationSettings
from services.audit.app import AuditSettings
from services.notify.app import NotifySettings
from services.referral.app import ReferralSettings
from shared.operating.kinds import wrong_with_keys
from shared.operating.settings import Settings
from shared.operating.start import CONFIGURATION, USAGE, VERSION, Wrong, read, start, told
from tests.harness.authority import certified
from tests.harness.cases import every_case

KINDS: tuple[type[Settings], ...] = (
    ReferralSettings,
    AllocationSettings,
    NotifySettings,
    AuditSettings,
)
MARK = "s3cretmark"
RIGHT = {
    "AMQP_URL": "amqp://user:word@host:5672/vhost",
    "MONGO_URL": "mongodb://user:word@host:27017/database",
    "AUTH_JWKS": "/etc/jwks.json",
    "AUTH_ISSUER": "issuer",
    "AUTH_ACCOUNT_KEY": base64.b64encode(bytes(32)).decode(),
    "REFERRAL_MASTER_KEY": base64.b64encode(bytes(96)).decode(),
    "REFERRAL_PEPPER": base64.b64encode(bytes(32)).decode(),
    "NOTIFY_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
    "AUDIT_SIGNING_KEY": base64.b64encode(bytes(32)).decode(),
}
SHORT = base64.b64encode(bytes(31)).decode()
ADDRESSES = (
    "",
    MARK,
    f"{MARK}://host",
    "amqp://",
    f"amqp://{MARK}:x@host:0x",
    f"[{MARK}",
    "http://h",
)
KEY = ("", MARK, f"not base64 {MARK}!", SHORT, base64.b64encode(MARK.encode()).decode())
PORT = (MARK, "", "-1", "65536", "70000", "1.5")
NUMBER = (MARK, "", "nan", "-1", "0", "1e999")
# Of these any text may be right, or who reads it finds out (a path, a list of a kind of its own).
ANY_TEXT = {"bus_prefix", "mail_from", "public_url", "audit_origin", "smtp_url"}
FILES = {"risk_policy", "notify_policy"}


def wrong_values(name: str, annotation: Any) -> tuple[str, ...]:
    """Values that can't be meant, for a setting of this kind."""
    if name in ("amqp_url", "mongo_url"):
        return ADDRESSES
    if "SecretStr" in str(annotation):
        return KEY
    if annotation in (int, float):
        return PORT if name.endswith("_port") else NUMBER
    if str(annotation).startswith(("tuple", "dict")):
        return (MARK, "5", "[0]", f'["{MARK}"]', "[-1, -1, -1]", '{"role": 7}')
    if annotation is bool or str(annotation).startswith("typing.Literal"):
        return (MARK, "")
    return {
        "mongo_database": (f"{MARK} a/b", "x" * 60),
        "trusted_proxies": (MARK, f"10.0.0.0/8,{MARK}", "10.0.0.0/99"),
    }.get(name, ("",) if not name.startswith("limit_") else (MARK, ""))


def said(kind: type[Settings], given: dict[str, str]) -> list[str]:
    """What is said of these settings."""
    with pytest.MonkeyPatch.context() as patched:
        for name in kind.model_fields:
            patched.delenv(name.upper(), raising=False)
        for name, value in given.items():
            patched.setenv(name, value)
        try:
            read(kind)
        except Wrong as wrong:
            return wrong.lines
    return []


@every_case(KINDS)
def test_settings_that_are_right_are_taken(kind: type[Settings]) -> None:
    assert said(kind, RIGHT) == []


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("AMQP_URL", f"amqps://user:{MARK}@host/vhost?cafile="),
        ("MONGO_URL", f"mongodb://user:{MARK}@host/database?tls=true&tlsCAFile="),
    ],
)
def test_a_file_of_certificates_that_is_not_there_is_named_by_its_setting(
    name: str, address: str
) -> None:
    lines = said(AllocationSettings, RIGHT | {name: f"{address}/nowhere/ca.crt"})

    assert lines == [f"{name}: names a file of certificates that can't be read"]


def test_a_certificate_and_a_key_that_do_not_fit_each_other_are_named(tmp_path: Path) -> None:
    one, other = certified(tmp_path / "one"), certified(tmp_path / "other")
    fitting = {"HTTP_CERTIFICATE_FILE": str(one.certificate), "HTTP_KEY_FILE": str(one.key)}

    assert said(AllocationSettings, RIGHT | fitting) == []
    for wrong in (str(other.key), "/nowhere/tls.key", str(one.certificate)):
        lines = said(AllocationSettings, RIGHT | fitting | {"HTTP_KEY_FILE": wrong})
        assert lines == ["HTTP_CERTIFICATE_FILE: can't be read, or HTTP_KEY_FILE is not its key"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_has_every_setting_but_no_secret(
    kind: type[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {n for n, f in kind.model_fields.items() if "SecretStr" in str(f.annotation)}
    formed = {"mongo_database", "trusted_proxies", "bus_prefix", "mail_from", "public_url"}
    formed |= {"http_certificate_file", "http_key_file"}
    for name, field in kind.model_fields.items():
        if field.annotation is str and name not in formed and not name.startswith("limit_"):
            monkeypatch.setenv(name.upper(), f"https://user:{MARK}@host/?word={MARK}")
    for name in secrets & {name.lower() for name in RIGHT}:
        monkeypatch.setenv(name.upper(), RIGHT[name.upper()].replace("word", MARK))

    shown = told(read(kind))

    assert MARK not in json.dumps(shown)
    assert {name.upper() for name in set(kind.model_fields) - secrets} <= set(shown)
    assert not [name for name in secrets if shown.get(name.upper()) is not None]
    assert shown["HTTP_PORT"] == 8000


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == VERSION


@every_case(KINDS)
def test_all_that_is_missing_is_said_at_once(kind: type[Settings]) -> None:
    needed = {name for name, field in kind.model_fields.items() if field.is_required()}

    lines = said(kind, {})

    assert sorted(lines) == sorted(f"{name.upper()}: is missing" for name in needed)


def test_a_file_of_keys_is_read_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"

    def told(text: str) -> str:
        file.write_text(text)
        return wrong_with_keys(str(file))

    good = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
    assert wrong_with_keys(str(file)) == "there is no such file"
    assert wrong_with_keys(str(tmp_path)) == "is a folder; expected a file of public keys"
    for text in (
        "",
        "[]",
        "{}",
        "null",
        '{"keys": []}',
        '{"keys": 1}',
        '{"keys": [1]}',
        f'"{MARK}"',
    ):
        assert told(text).startswith("is no set of public keys"), text
    assert told(json.dumps(good)) == ""
    assert wrong_with_keys("https://issuer.example/jwks") == ""
    assert wrong_with_keys("https:///jwks") == "names no host"


def test_a_service_says_what_is_wrong_and_ends_with_the_code_of_a_wrong_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(_: AllocationSettings) -> Any:
        raise ValueError("policy.toml:3: no such level\npolicy.toml:9: no such code")

    for name, value in {**RIGHT, "AUTH_JWKS": str(tmp_path / "none.json")}.items():
        monkeypatch.setenv(name, value)

    code = start("allocation", AllocationSettings, never, ["--check"])

    assert code == CONFIGURATION
    assert capsys.readouterr().err.splitlines() == [
        "allocation does not start, 3 settings are wrong:",
        "  AUTH_JWKS: there is no such file",
        "  policy.toml:3: no such level",
        "  policy.toml:9: no such code",
        "docs/operating.md says what each setting is.",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_help_lists_every_setting_and_quotes_no_secret(
    kind: type[Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        start("referral", kind, lambda _: pytest.fail("started"), ["--help"])
    text = capsys.readouterr().out

    assert ended.value.code == 0
    assert set(re.findall(r"^  ([A-Z_]{3,}) ", text, re.MULTILINE)) == {
        name.upper() for name in kind.model_fields
    }
    with pytest.raises(SystemExit) as refused:
        start("referral", kind, lambda _: pytest.fail("started"), ["--no-such"])
    assert refused.value.code == USAGE
