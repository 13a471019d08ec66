"""How long what is kept: the policy file, checked when the service starts."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from shared.operating.data_files import read_toml

DEFAULT_POLICY = Path(__file__).parent / "retention.toml"


class RetentionPolicy(BaseModel):
    """How long what is kept, in days after the last change of state; and why (`sources`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    sources: tuple[str, ...]
    ended_days: int = Field(ge=1)
    entered_in_error_days: int = Field(ge=1)
    unfinished_days: int = Field(ge=1)
    access_records_days: int = Field(ge=1)
    intelligence_review_days: int = Field(365, ge=1)
    intelligence_days: int = Field(2192, ge=1)
    # Not longer: who writes a draft is told a month.
    drafts_days: int = Field(30, ge=1, le=30)
    # What a young person said by a card; they are told the day.
    participation_days: int = Field(365, ge=1, le=365)


def policy(path: Path = DEFAULT_POLICY) -> RetentionPolicy:
    """The policy in a file. Raises `DataFileFaults` naming file and line."""
    return read_toml(path, RetentionPolicy)
