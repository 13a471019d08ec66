"""Checking a report on one young person: each entry by its own proof, each line by its entry, and that
the trail signed the file as it is."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from services.audit.court.form import (
    SIGNED_AS,
    ReportFile,
    ReportLine,
    in_london,
    read_report,
    signed_part,
)
from services.audit.log.checkpoints import Checkpoint, InclusionProof, TrustedKey, decoded_hash
from services.audit.log.notes import BadNote, UnknownKey, open_note
from services.audit.verify.asked import not_shown, words_in
from services.audit.verify.filtered import is_whole, misfit
from services.audit.verify.signed import checkpoint_of, json_of, whole_number
from services.audit.verify.verdicts import CannotVerify, Tampered, first_of, judge

CHANGED = "the report is not what the trail signed: it was changed since, or saved anew"
OUR_ID = re.compile(r"[a-z]{2,5}_[0-9a-f]{32}", re.ASCII)


def check_report(raw: bytes, keys: list[TrustedKey]) -> str:
    """What is proven of a report, in words. Raises `Tampered` naming entries, or `CannotVerify`."""
    try:
        body, note = signed_part(raw)
    except ValueError:
        raise CannotVerify("not a whole report: was the download cut off?") from None
    origin, size, digest = _signed_report(note, keys)
    changed = [] if hashlib.sha256(body).digest() == digest else [CHANGED]
    try:
        report = read_report(body)
        sealed = checkpoint_of(report.checkpoint.encode(), keys, "the report's checkpoint")
        if (sealed.origin, sealed.size) != (origin, size):
            raise CannotVerify("the report is signed for another checkpoint than its own")
        wrong, missing = _wrong_lines(report, sealed)
        doubts = _doubts_of_report(report, sealed)
    except (ValueError, TypeError, CannotVerify) as why:
        judge(changed, [])
        told = str(why) if isinstance(why, CannotVerify) else "not written as reports are"
        raise CannotVerify(told) from None
    except Tampered as found:
        raise Tampered(*changed, *found.findings) from None
    judge([*changed, *first_of(wrong)], [*missing, *doubts])
    count = len(report.lines)
    return (
        f"{count} of {count} entries in the report are in the trail of {size} entries that {origin} "
        "sealed, each by its own proof; each line shows its entry's own place, time, kind and actor; "
        "the sentences, and all else in the file, are as the trail signed them; that no line was "
        "left out is not proven"
    )


def _signed_report(note: bytes, keys: list[TrustedKey]) -> tuple[str, int, bytes]:
    """Of which trail, of which size, and the digest of what was signed."""
    what = "the report's signature"
    try:
        text, signers = open_note(note, [one.key for one in keys])
        match = SIGNED_AS.fullmatch(text)
        if match is None:
            raise BadNote("not that of a report")
        digest = decoded_hash(match[3])
    except UnknownKey:
        raise CannotVerify(f"{what}: no trusted key has signed it") from None
    except BadNote as why:
        if "signature is wrong" in str(why):
            raise Tampered(f"{what}: {why}") from None
        raise CannotVerify(f"{what}: {why}") from None
    origin, size = match[1], int(match[2])
    if not any(
        one.key in signers and one.key.name == origin and one.counts_at(size) for one in keys
    ):
        raise CannotVerify(f"{what}: no key that counts at its size has signed it")
    return origin, size, digest


def _wrong_lines(report: ReportFile, sealed: Checkpoint) -> tuple[list[str], list[str]]:
    """What is proven to be false of single entries, and which have no whole proof."""
    wrong, missing = list[str](), list[str]()
    for line in report.lines:
        proof = _proof_in(line)
        if proof is None or not is_whole(proof, sealed.size):
            missing.append(f"line {line.entry} without a whole proof")
            continue
        found = misfit(proof.index, sealed, line.leaf.encode(), proof.path)
        wrong += found or list(_unlike_entry(line))
    return wrong, first_of(missing)


def _proof_in(line: ReportLine) -> InclusionProof | None:
    if re.fullmatch(r"0|[1-9][0-9]{0,15}", line.entry, re.ASCII) is None:
        return None
    try:
        path = tuple(decoded_hash(one) for one in line.proof.split(" ") if one)
    except BadNote:
        return None
    return InclusionProof(int(line.entry), path, "")


def _unlike_entry(line: ReportLine) -> Iterator[str]:
    """Where a line says something else than its entry, which is as it was sealed."""
    try:
        leaf = json_of(line.leaf.encode())
        event, at = leaf["event"], leaf["recorded_at"]
        shown = (at, in_london(at), event["type"], str(event.get("actor")))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        yield f"the line of entry {line.entry} shows an entry that can't be read"
        return
    told = (line.recorded_at, line.in_london, line.event, line.by)
    for name, said, was in zip(("time", "London time", "kind", "actor"), told, shown, strict=True):
        if said != was:
            yield f"the line of entry {line.entry} says another {name} than its entry"
    for one in sorted(set(OUR_ID.findall(line.says)) - set(OUR_ID.findall(line.leaf))):
        yield f"the line of entry {line.entry} names {one}, which its entry does not"


def _doubts_of_report(report: ReportFile, sealed: Checkpoint) -> list[str]:
    """Where what the report says of itself is not what is in it."""
    about = json_of(report.about.encode())
    if not isinstance(about, dict) or about.get("form") != 1:
        raise CannotVerify("the report is of a form that this verifier doesn't know")
    doubts = []
    if whole_number(about.get("size")) != sealed.size:
        doubts.append("the report says another size than its checkpoint")
    if whole_number(about.get("lines")) != len(report.lines):
        doubts.append(f"the report says {about['lines']} lines and has {len(report.lines)}")
    places = [int(line.entry) for line in report.lines if line.entry.isdecimal()]
    if sorted(set(places)) != places:
        doubts.append("the lines are not in the order of the trail, each once")
    return doubts + first_of(list(_strays(report, about)))


def _strays(report: ReportFile, about: dict[str, Any]) -> Iterator[str]:
    """Lines that are not about whom, or not from when, the report says."""
    named = {str(one) for one in (about.get("subject_id"), *list(about.get("referral_ids", [])))}
    window = {name: str(about[name]) for name in ("from", "to") if about.get(name)}
    for line in report.lines:
        try:
            words = set(words_in(json_of(line.leaf.encode())))
        except (ValueError, RecursionError):
            words = set()
        if words.isdisjoint(named) or not_shown(line.leaf.encode(), window):
            yield f"entry {line.entry} is not what the report says to be about"
