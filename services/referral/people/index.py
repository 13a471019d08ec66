"""From keyed hashes of who someone is to the random ids of subjects."""

from collections.abc import Mapping, Sequence

from pymongo.errors import DuplicateKeyError

from shared.storage.store import Collection

# So many young people are looked at who share a hash; a name with more namesakes links nobody.
MAX_NAMESAKES = 10

Known = Mapping[str, str]


class People:
    """From keyed hashes of who someone is to the random ids of subjects who may be that.

    The hashes of an NHS number, or of a name with a birth date, only say who has to be compared.
    Nothing here can be read back into a name, and removing the hashes cuts the thread.

    The first young person of a hash stands under it, each further one under it and a number.
    """

    def __init__(self, exact: Collection) -> None:
        self._exact = exact

    async def prepare(self) -> None:
        await self._exact.create_index("subject_id")

    async def known(self, hashes: Sequence[str]) -> dict[str, str]:
        """The places of these hashes that are taken, and by whom."""
        found = self._exact.find({"_id": {"$in": [place for h in hashes for place in _places(h)]}})
        return {str(d["_id"]): str(d["subject_id"]) async for d in found}

    async def add(self, hashes: Sequence[str], known: Known, subject_id: str) -> bool:
        """From now on these hashes stand for this young person, too.

        False when somebody else has taken a place since `known` was read: look again. A crash
        after the first insert leaves an id without a young person, which the retry finds.
        """
        for value in hashes:
            free = [place for place in _places(value) if place not in known]
            if subject_id in namesakes(value, known) or not free:
                continue
            try:
                await self._exact.insert_one({"_id": free[0], "subject_id": subject_id})
            except DuplicateKeyError:
                return False
        return True

    async def forget(self, subject_id: str) -> None:
        """Remove all that leads to this subject."""
        await self._exact.delete_many({"subject_id": subject_id})


def namesakes(value: str, known: Known) -> list[str]:
    """Whom this hash stands for."""
    return [known[place] for place in _places(value) if place in known]


def to_compare(hashes: Sequence[str], known: Known) -> list[str]:
    """Whoever has one of these hashes. A hash of as many as are looked at may have still more,
    and tells nobody apart."""
    all_of = [namesakes(value, known) for value in hashes]
    return list(dict.fromkeys(i for ids in all_of if len(ids) < MAX_NAMESAKES for i in ids))


def _places(value: str) -> list[str]:
    return [value, *(f"{value}/{number}" for number in range(1, MAX_NAMESAKES))]
