"""Watching a log: keep its newest checkpoint, and check each later one against it. A witness.

What a partner agency runs. It needs no right to read entries; it notices when the log takes
something back, shrinks, or shows different people different histories.
"""

import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from services.audit.domain.checkpoints import Checkpoint, TrustedKey
from services.audit.verify.exported import check_consistency
from services.audit.verify.sources import bytes_of, checkpoint_of
from services.audit.verify.verdicts import CannotVerify, Misused, Tampered

TIMEOUT = 30.0
MOST = 1_000_000

Get = Callable[[str], bytes]


def getter(url: str, token: str) -> Get:
    """Reads paths below `url` with an access token. It raises `CannotVerify` when there's no answer."""
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise Misused("the log's address begins with http:// or https://")

    def get(path: str) -> bytes:
        request = urllib.request.Request(url.rstrip("/") + path)  # noqa: S310 - checked above
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                content: bytes = answer.read(MOST)
                return content
        except urllib.error.HTTPError as error:
            raise CannotVerify(f"the log answered {error.code}") from None
        except (OSError, ValueError):
            raise CannotVerify("the log can't be reached") from None

    return get


def check_newest(get: Get, keys: list[TrustedKey], kept_in: Path) -> str:
    """Fetch the newest checkpoint, check it against the kept one, and keep it instead.

    What was found, in words. Raises `Tampered` and leaves the kept one as it is, with the
    checkpoint that contradicts it beside it (`.conflict`): the two together are the evidence.
    """
    raw = get("/checkpoint")
    new = checkpoint_of(raw, keys, "the log's checkpoint")
    if not kept_in.exists():
        _keep(kept_in, raw)
        return f"first checkpoint kept: {new.size} entries"
    old = checkpoint_of(bytes_of(kept_in), keys, "the kept checkpoint")
    try:
        _check_step(get, old, new)
    except Tampered:
        _keep(kept_in.with_name(kept_in.name + ".conflict"), raw)
        raise
    _keep(kept_in, raw)
    return f"{new.size} entries: everything sealed before is still there"


def watch(
    get: Get, keys: list[TrustedKey], kept_in: Path, every: float, tell: Callable[[str], None]
) -> None:
    """Check for ever; returns never. An unreachable log is told of and asked again."""
    while True:
        try:
            tell(check_newest(get, keys, kept_in))
        except CannotVerify as error:
            tell(f"not verified: {error}")
        time.sleep(every)


def _check_step(get: Get, old: Checkpoint, new: Checkpoint) -> None:
    if new.size < old.size:
        raise Tampered(
            f"the trail was cut: {old.size} entries were sealed, now it shows {new.size}; "
            f"entry {new.size} and later are gone"
        )
    if new.size == old.size:
        if new.root != old.root:
            raise Tampered(f"two signed histories of {old.size} entries")
        return
    raw = get(f"/v1/proofs/consistency?first={old.size}&second={new.size}")
    check_consistency(old, new, raw)


def _keep(path: Path, raw: bytes) -> None:
    # Written whole or not at all: half a checkpoint would be none.
    draft = path.with_name(path.name + ".draft")
    draft.write_bytes(raw)
    draft.replace(path)
