"""What a caller who is marked as unsafe for a young person may not find in the trail. Reads only.

The trail itself says who is marked: every event about a young person's sharing carries all marked
names, with a version; the newest counts. Nothing is kept beside the entries.
"""

import json
from collections.abc import Collection

from services.audit.log.store import Trail
from services.audit.search.reading import data_of
from shared.events.agency import AboutAgency
from shared.events.catalogue import event_types
from shared.events.codes import OF_FAMILY
from shared.events.subject import AboutSharing, SubjectRelinked
from shared.rules.parents import OF_KIND, counts_as_family

ABOUT_SHARING = tuple(
    f"type:{name}" for name, data in event_types().items() if issubclass(data, AboutSharing)
)
MARKED, RELINKED = "type:sharing.safety_marked", "type:subject.relinked"
PARENTS = "type:sharing.parents_word_recorded"
AGENCIES = ("type:agency.registered", "type:agency.amended")

# The fields by which an entry says which referrals it is about, asks for or mentions.
BY_REFERRAL = ("referral_id", "asked", "mentioned")


async def hidden_from(trail: Trail, names: Collection[str]) -> frozenset[str]:
    """The search keys, as `referral_id:ref_1`, of all entries about young people for whom somebody
    of these names is marked now; empty for nearly everybody, and then one look finds it."""
    hidden: set[str] = set()
    names = frozenset(names) | await _kinds_of(trail, names)
    for subject_id in await _ever_marked(trail, names):
        newest, referrals = await _newest(trail, subject_id)
        if newest is not None and not set(newest.marked()).isdisjoint(names):
            hidden |= {f"{name}:{subject_id}" for name in ("subject_id", "asked")}
            hidden |= {f"{name}:{one}" for one in referrals for name in BY_REFERRAL}
    return frozenset(hidden)


async def _kinds_of(trail: Trail, names: Collection[str]) -> frozenset[str]:
    """The kinds to which a young person may have closed their record, if one of these agencies is
    of such a kind, or of one that nobody has confirmed."""
    ids = {name.partition(":")[2] for name in names if name.startswith("agency:")}
    kinds = await kinds_of(trail, ids) if ids else {}
    may_be = any(counts_as_family(kinds.get(one, "")) for one in ids)
    return frozenset(f"{OF_KIND}{kind}" for kind in OF_FAMILY if may_be)


async def kinds_of(trail: Trail, ids: Collection[str]) -> dict[str, str]:
    """What each of these agencies is, by the newest version of its entry."""
    keys = [f"agency:{one}" for one in ids]
    newest: dict[str, tuple[int, str]] = {}
    async for document in trail.with_both(AGENCIES, keys):
        event = json.loads(document["leaf"])["event"]
        data = data_of(event)
        if isinstance(data, AboutAgency) and data.agency_id in ids:
            known = int(event["version"]), data.kind
            newest[data.agency_id] = max(newest.get(data.agency_id, known), known)
    return {agency_id: kind for agency_id, (_, kind) in newest.items()}


async def _ever_marked(trail: Trail, names: Collection[str]) -> set[str]:
    """Young people for whom somebody of these names was ever marked, also by joining another."""
    named = [key for name in names for key in _keys_of(name)]
    found = await _read(trail, [MARKED], named)
    if any(name.startswith(OF_KIND) for name in names):
        found += await _read(trail, [PARENTS], [PARENTS])
    reached = {data.subject_id for _, data in found}
    new = set(reached)
    while new:
        moved = await _read(trail, [f"subject_id:{one}" for one in new], [RELINKED])
        to = {d.to_subject_id for _, d in moved if isinstance(d, SubjectRelinked)}
        new = to - reached
        reached |= new
    return reached


async def _newest(trail: Trail, subject_id: str) -> tuple[AboutSharing | None, set[str]]:
    """What was said last of a young person, and every referral that was ever about them."""
    newest: tuple[int, AboutSharing | None] = (0, None)
    referrals: set[str] = set()
    for version, data in await _read(trail, [f"subject_id:{subject_id}"], ABOUT_SHARING):
        if data.subject_id == subject_id:
            referrals |= {data.referral_id, *data.referral_ids}
            newest = max(newest, (version, data), key=lambda one: one[0])
    return newest[1], referrals


async def _read(
    trail: Trail, by: Collection[str], keys: Collection[str]
) -> list[tuple[int, AboutSharing]]:
    found: list[tuple[int, AboutSharing]] = []
    async for document in trail.with_both(by, keys):
        event = json.loads(document["leaf"])["event"]
        data = data_of(event)
        if isinstance(data, AboutSharing):
            found.append((int(event["version"]), data))
    return found


def _keys_of(name: str) -> tuple[str, ...]:
    """Under which keys the mark of this name is found."""
    kind, _, one = name.partition(":")
    return (f"agency:{one}",) if kind == "agency" else (f"recipient:{one}",)
