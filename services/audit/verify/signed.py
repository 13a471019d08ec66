"""Keys to trust, and checkpoints that they signed."""

import json
from pathlib import Path
from typing import Any

from services.audit.log.checkpoints import Checkpoint, OutOfRange, TrustedKey, open_checkpoint
from services.audit.log.notes import BadKey, BadNote, UnknownKey, VerifierKey
from services.audit.verify.sources import bytes_of
from services.audit.verify.verdicts import CannotVerify, Misused, Tampered

UNSAID = -1  # `first` of a key that was given by itself: it counts for every size


def json_of(raw: bytes) -> Any:
    """A JSON document. Raises `ValueError` for what is none, is nested without end, or could be
    read in two ways: a name twice, a number that is no integer."""
    try:
        return json.loads(
            raw.decode("utf-8"), object_pairs_hook=_object, parse_float=_no, parse_constant=_no
        )
    except RecursionError:
        raise ValueError("nested too deep") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no(_: str) -> None:
    raise ValueError("not an integer")


def whole_number(value: object) -> int:
    """An integer from 0 on. Raises `ValueError`."""
    if type(value) is not int or value < 0:
        raise ValueError("not a whole number")
    return value


def listed_keys(raw: bytes) -> tuple[str, list[TrustedKey]]:
    """The origin and the keys of a `keys.json`, as `GET /v1/keys` answers. Raises `ValueError`."""
    try:
        document = json_of(raw)
        origin, keys = document["origin"], [_listed(entry) for entry in document["keys"]]
    except (BadKey, KeyError, TypeError, AttributeError):
        raise ValueError("not a list of keys") from None
    if not isinstance(origin, str) or any(key.key.name != origin for key in keys):
        raise ValueError("a key of another origin")
    if len({key.key for key in keys}) != len(keys):
        raise ValueError("a key twice")
    return origin, keys


def _listed(entry: Any) -> TrustedKey:
    first, last = whole_number(entry["first"]), entry["last"]
    if last is not None and whole_number(last) < first:
        raise ValueError("a key that counts for no size")
    return TrustedKey(VerifierKey.parse(entry["verifier_key"]), first, last)


def keys_of(texts: list[str], files: list[Path]) -> list[TrustedKey]:
    """The keys to trust: verifier keys as given, and files as `GET /v1/keys` answers, kept by you."""
    keys = []
    try:
        for text in texts:
            keys.append(TrustedKey(VerifierKey.parse(text), UNSAID))
        for path in files:
            keys += listed_keys(bytes_of(path))[1]
    except (BadKey, ValueError):
        raise Misused("a key is not written as keys are") from None
    if not keys:
        raise Misused("name the key to trust: --key or --keys")
    return keys


def checkpoint_of(raw: bytes, keys: list[TrustedKey], what: str) -> Checkpoint:
    """The checkpoint in a note. Raises `CannotVerify` when no key that counts signed it, and
    `Tampered` when a key that counts is named with a signature it never made."""
    try:
        return open_checkpoint(raw, keys)
    except UnknownKey:
        raise CannotVerify(f"{what}: no trusted key has signed it") from None
    except OutOfRange:
        raise CannotVerify(f"{what}: signed by a key that doesn't count at its size") from None
    except BadNote as error:
        text = f"{what}: {error}"
        if "signature is wrong" in str(error):
            raise Tampered(text) from None
        raise CannotVerify(text) from None
