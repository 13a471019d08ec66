"""Watching a log: keep its newest checkpoint, and check each later one against it. A witness.

What a partner agency runs. It needs no right to read entries; it notices when the log takes
something back, shrinks, or shows different people different histories.
"""

import contextlib
import http.client
import json
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.audit.log.checkpoints import Checkpoint, TrustedKey
from services.audit.verify.earlier import same_log
from services.audit.verify.proven import check_consistency, check_same
from services.audit.verify.signed import checkpoint_of
from services.audit.verify.sources import bytes_of
from services.audit.verify.verdicts import CannotVerify, Misused, Tampered
from services.audit.verify.witnesses import Cosigner

TIMEOUT = 30.0
LONGEST = 120.0  # seconds for one answer: a log that trickles is not waited for
MOST_ANSWERED = 1_000_000

Get = Callable[[str], bytes]
# What is done with a checkpoint once it is checked and kept; what was done, in words.
Then = Callable[[bytes], str]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token is for the log alone: it goes to no other address."""

    def redirect_request(self, *_: Any) -> None:
        return None


def getter(url: str, token: str) -> Get:
    """Reads paths below `url` with an access token. It raises `CannotVerify` when there's no answer."""
    return _asker(url, token)


def _asker(url: str, token: str) -> Callable[..., bytes]:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise Misused("the log's address begins with http:// or https://")
    opener = urllib.request.build_opener(_NoRedirect)

    def ask(path: str, content: bytes | None = None) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - checked above
            url.rstrip("/") + path, content, {"Content-Type": "application/json"} if content else {}
        )
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                return _all_of(answer)
        except urllib.error.HTTPError as error:
            raise CannotVerify(f"the log answered {error.code}") from None
        except (OSError, ValueError, http.client.HTTPException):
            raise CannotVerify("the log can't be reached") from None

    return ask


def _all_of(answer: http.client.HTTPResponse) -> bytes:
    """Raises `CannotVerify` for an answer without end."""
    content, until = b"", time.monotonic() + LONGEST
    while piece := answer.read1(MOST_ANSWERED):
        content += piece
        if len(content) > MOST_ANSWERED or time.monotonic() > until:
            raise CannotVerify("the log's answer is too long")
    return content


def _nothing(_: bytes) -> str:
    return ""


def cosigning(cosigner: Cosigner, to: Path, send: Callable[[bytes], None] | None = None) -> Then:
    """Cosigns each checkpoint into a file, for whoever demands this witness, and sends it to the log.
    One that can't be sent is sent with the next."""

    def cosign(note: bytes) -> str:
        cosigned = cosigner.cosigned(note)
        _keep(to, cosigned)
        said = f"; cosigned as {cosigner.name}"
        if send is None:
            return said
        try:
            send(cosigned)
        except CannotVerify as why:
            return f"{said}, and not sent: {why}"
        return f"{said} and sent"

    return cosign


def witnessing(key: Path | None, to: Path | None, send: Callable[[bytes], None] | None) -> Then:
    """What a witness with this key does with each checkpoint; without one, nothing. Raises
    `Misused`."""
    if (key is None) != (to is None):
        raise Misused("--cosign is the witness's key, --cosigned where its cosignature goes: both")
    if key is None or to is None:
        if send is not None:
            raise Misused("--send sends what --cosign has signed")
        return _nothing
    return cosigning(Cosigner.read(key), to, send)


def sender(url: str, token: str) -> Callable[[bytes], None]:
    """Sends a cosigned checkpoint to the log. It raises `CannotVerify` where that is not taken."""
    ask = _asker(url, token)

    def send(cosigned: bytes) -> None:
        ask("/v1/cosignatures", json.dumps({"note": cosigned.decode()}).encode())

    return send


def check_newest(get: Get, keys: list[TrustedKey], kept_in: Path, then: Then = _nothing) -> str:
    """Fetch the newest checkpoint, check it against the kept one, and keep it instead.

    What was found, in words. Raises `Tampered` and leaves the kept one as it is, with the
    checkpoint that contradicts it beside it (`.conflict`): the two together are the evidence.
    """
    raw = get("/checkpoint")
    new = checkpoint_of(raw, keys, "the log's checkpoint")
    if not kept_in.exists():
        _keep(kept_in, raw)
        first = f"{new.origin} signed a checkpoint of {new.size} entries: it is the first one kept"
        return first + then(raw)
    old = checkpoint_of(bytes_of(kept_in), keys, "the kept checkpoint")
    same_log(old, new)
    try:
        said = _check_step(get, old, new)
    except Tampered:
        _keep(kept_in.with_name(kept_in.name + ".conflict"), raw)
        raise
    _keep(kept_in, raw)
    return f"{said}; two checkpoints were compared, no entry was read{then(raw)}"


def watch(check: Callable[[], str], every: float, tell: Callable[[str], None]) -> None:
    """Check for ever; returns never. An unreachable log is told of and asked again."""
    if not 0 < every < math.inf:
        raise Misused("--every takes a number of seconds above 0")
    while True:
        try:
            tell(f"verified: {check()}")
        except Misused:
            raise
        except CannotVerify as error:
            tell(f"cannot verify: {error}")
        time.sleep(min(every, 86_400.0))


def _check_step(get: Get, old: Checkpoint, new: Checkpoint) -> str:
    if new.size < old.size:
        raise Tampered(
            f"the trail was cut: the checkpoint you kept seals {old.size} entries, the newest that "
            f"the log shows now {new.size}; entry {new.size} and later are gone"
        )
    if new.size == old.size:
        check_same(old, new)
        return f"the log still shows the checkpoint of {old.size} entries that you kept"
    if old.size:
        raw = get(f"/v1/proofs/consistency?first={old.size}&second={new.size}")
        check_consistency(old, new, raw)
    else:
        check_same(old, new)
    return f"the checkpoint of {new.size} entries extends the one of {old.size} that you kept"


def _keep(path: Path, raw: bytes) -> None:
    # Written whole or not at all: half a checkpoint would be none.
    draft = path.with_name(path.name + ".draft")
    try:
        draft.write_bytes(raw)
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise Misused(f"{path} can't be written") from None
