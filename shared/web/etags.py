"""If-Match: nobody overwrites what they haven't seen (RFC 9110 §8.8.3 and §13.1.1).

A record's tag is its version, or a revision of its own where other things raise the version, or
where they would tell its reader something.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Response

from shared.errors import BadRequest, PreconditionMissing, Refused, Stale
from shared.storage.records import Change, R

MAX_TAGS = 20
# Of a GET the tag also says what was shown (`shared.web.conditional`); a change goes by the record.
_OF_SHOWN = re.compile(r'(?<=[^"])\.[0-9a-f]+"$')


def etag(number: int | str) -> str:
    """The strong entity tag of this version or revision."""
    return f'"v{number}"'


def tagged(response: Response, number: int | str) -> None:
    """Put the tag on an answer, so that its reader can change what they have read."""
    response.headers["ETag"] = etag(number)


@dataclass(frozen=True)
class Match:
    """The If-Match of a request: the tags it names, or None when it came without the header."""

    tags: frozenset[str] | None

    def check(self, number: int | str | None) -> None:
        """Returns if a request may change the record with this number; None: there is no record.

        Raises `PreconditionMissing` (428, RFC 6585 §3) without the header and `Stale` (412) when
        the caller has read something else. Weak tags never match (RFC 9110 §8.8.3.2).
        """
        if self.tags is None:
            raise PreconditionMissing
        if number is None or not self.tags & {"*", etag(number)}:
            raise Stale

    def guard(
        self,
        rule: Callable[[R], Change[R]],
        number: Callable[[R], int | str] = lambda r: r.version,
    ) -> Callable[[R], Change[R]]:
        """The rule, for a caller who has read the record as it is now; for `Store.change`.

        It is checked on the very state that is replaced, so of two callers who read the same
        one fails. A change that was carried out before (the answer got lost) is no conflict: where
        the rule leaves everything as it is, any tag will do (RFC 9110 §13.1.1).
        """

        def guarded(record: R) -> Change[R]:
            try:
                change = rule(record)
            except Refused:
                self.check(number(record))  # a stale caller should learn that first
                raise
            if change.events:
                self.check(number(record))
            return change

        return guarded


def if_match(
    if_match: Annotated[
        str | None,
        Header(
            max_length=1000,
            description="The ETag of what you have read. A change needs it: without it 428, and "
            "when somebody has changed the record meanwhile 412; read it again then.",
        ),
    ] = None,
) -> Match:
    """The precondition of this request. Raises `BadRequest` when the header is unreadable."""
    if if_match is None:
        return Match(None)
    tags = [tag.strip() for tag in if_match.split(",")]
    if len(tags) > MAX_TAGS or not all(_is_tag(tag) for tag in tags):
        raise BadRequest("if_match_invalid", "If-Match takes the ETag as it was sent to you.")
    return Match(frozenset(_OF_SHOWN.sub('"', tag) for tag in tags))


def _is_tag(tag: str) -> bool:
    bare = tag.removeprefix("W/")
    return tag == "*" or (len(bare) > 2 and bare[0] == bare[-1] == '"' and '"' not in bare[1:-1])


IfMatch = Annotated[Match, Depends(if_match)]
