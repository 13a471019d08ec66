"""The ways to say no. HTTP codes for them are in `shared.web.problems`, and nowhere else."""

from collections.abc import Sequence


class Refused(Exception):
    """The rules say no. HTTP 409; in a handler the event is acknowledged and counted.

    `code` is stable snake_case for programs, `message` is for people; neither ever carries
    personal data. `extra` adds plain members to the problem document.
    """

    def __init__(self, code: str, message: str, **extra: str) -> None:
        super().__init__(code)
        self.code, self.message, self.extra = code, message, extra


class NotFound(Exception):
    """Nothing there, or nothing this caller may know of. HTTP 404; in a handler: try again later."""


class NotTheirs(NotFound):
    """What was asked about is one young person's record, and the refusal must be an entry of the trail.

    `referral_id`: which, where there is one. `reason` is one of `record.refused`.
    """

    def __init__(self, reason: str, referral_id: str | None = None) -> None:
        super().__init__()
        self.reason, self.referral_id = reason, referral_id


class AlreadyThere(Exception):
    """A document with this id, or this unique key, is stored already."""


class RecordFull(Exception):
    """One document can't hold what would be written: nothing was. HTTP 409; a handler's message is tried
    again, and parked: it is not lost, and a person has to look."""


class Forbidden(Exception):
    """The caller is known but this is not theirs to do. HTTP 403."""


class Unauthenticated(Exception):
    """No valid token. HTTP 401."""


class TooMany(Exception):
    """More than this client, or this address, may ask for. HTTP 429 with Retry-After.

    `limit` names the limit (docs/limits.md), `after` is in seconds, `fields` are those of the answer.
    """

    def __init__(self, limit: str, after: int, fields: dict[str, str]) -> None:
        super().__init__(limit)
        self.limit, self.after, self.fields = limit, after, fields


class BadRequest(Exception):
    """The request itself is unusable (a missing header, say). HTTP 400."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code, self.message = code, message


class UnknownMedia(Exception):
    """The body is of a kind that this route does not take. HTTP 415; `taken` are those that it does."""

    def __init__(self, taken: Sequence[str]) -> None:
        super().__init__()
        self.taken = tuple(taken)


class Mismatch(Exception):
    """The same Idempotency-Key came with another body. HTTP 422."""

    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another body before."


class Contradiction(ValueError):
    """The parts of a document don't go together. Its words are for whoever sent it: what to do instead,
    and no value of theirs."""


class Malformed(Exception):
    """The document is well typed but says something that can't be. HTTP 422, naming the field."""

    def __init__(self, pointer: str, code: str, message: str) -> None:
        super().__init__(code)
        self.pointer, self.code, self.message = pointer, code, message


class PreconditionMissing(Exception):
    """A change came without If-Match. HTTP 428 (RFC 6585 §3)."""


class Stale(Exception):
    """The caller decided on a state that is no longer the current one. HTTP 412."""


class Outage(Exception):
    """The store or the broker is away, or we are shedding load. HTTP 503 with Retry-After.

    In a consumer this pauses the queue; it never uses up a message's attempts.
    """


class Poison(Exception):
    """This message can never be handled (schema, version, size). It is parked with its reason."""
