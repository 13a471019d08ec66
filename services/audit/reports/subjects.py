"""What entries about one young person are found by. Reads only."""

from collections.abc import Collection

from services.audit.log.store import Trail
from services.audit.search.held import found_by

MOST_REFERRALS = 1000


async def referrals_of(trail: Trail, subject_id: str, size: int) -> list[str]:
    """Every referral of which an entry of the first `size` names this young person."""
    found: set[str] = set()
    async for document in trail.scan({"subject_id": subject_id}, size):
        named = (key.partition(":") for key in found_by(document))
        found |= {value for name, _, value in named if name == "referral_id"}
    return sorted(found)[:MOST_REFERRALS]


def keys_about(subject_id: str, referral_ids: Collection[str]) -> list[str]:
    """The search keys of what is about this young person, or was asked about them."""
    keys = [f"subject_id:{subject_id}", f"asked:{subject_id}"]
    return keys + [f"{name}:{one}" for one in referral_ids for name in ("referral_id", "asked")]
