"""How far what entries are found by was held against the entries, for whoever reads an answer. Pure."""

from pydantic import BaseModel, ConfigDict, Field

EDITED = "fields_edited"


class SearchFields(BaseModel):
    """How far the copies that entries are found by were held against the entries themselves: all of
    the `checked` entries since this process began. `edited` of them say something else than the
    entry, `outdated` were written by another version: this answer may miss such an entry. `left_out`
    were found by an edited copy only; they are not in the answer. `/v1/trail/integrity` says where."""

    model_config = ConfigDict(frozen=True)

    checked: int
    edited: int = Field(0, description="Somebody changed them. `rebuild` restores them.")
    outdated: int = 0
    left_out: int = 0
    places: frozenset[int] = Field(frozenset(), exclude=True)

    def counts(self) -> dict[str, int]:
        """What an answer shows of it."""
        return self.model_dump()

    def without_one_more(self) -> "SearchFields":
        """The same, one more entry being left out."""
        return self.model_copy(update={"left_out": self.left_out + 1})

    def doubt(self) -> str:
        """In words, what may be missing; nothing where all is well."""
        if not (self.edited or self.outdated or self.left_out):
            return ""
        return (
            f" It may miss some: the search fields of {max(self.edited, self.left_out)} entries were"
            f" changed, and those of {self.outdated} are of another version of the service."
        )
