"""What one attempt came to: told, not now, never, or nobody knows. Pure."""

from dataclasses import dataclass
from typing import Literal

Result = Literal["delivered", "temporary", "permanent", "unknown", "not_sent"]

# RFC 9110 and RFC 6585: asking again later is what these mean.
THROTTLED = frozenset({429, 502, 503, 504})
GONE = 410


@dataclass(frozen=True)
class Outcome:
    """`temporary` and `unknown` are tried again; with `unknown` they may have been told already.

    `permanent`: trying again would not help. `not_sent`: nothing left us. `code` says it in our
    own words, `retry_after` in seconds is the endpoint's wish.
    """

    result: Result
    code: str
    retry_after: float | None = None


DELIVERED = Outcome("delivered", "delivered")
TIMED_OUT = Outcome("unknown", "timeout")
BROKE_OFF = Outcome("unknown", "broke_off")
UNREACHABLE = Outcome("temporary", "no_connection")
FORBIDDEN = Outcome("permanent", "address_not_allowed")
NOT_PROVED = Outcome("not_sent", "not_verified")
NOT_CONFIRMED = Outcome("not_sent", "not_confirmed")
NO_ADDRESS = Outcome("permanent", "no_subscription")
# Whoever named the address is marked by now: the Hub phones, and somebody else names another one.
# It says nothing about the endpoint.
NAMED_BY_UNSAFE = Outcome("permanent", "named_by_unsafe")


def of_status(status: int, retry_after: str | None) -> Outcome:
    """An HTTP answer. 2xx is the only success; a redirect is a failure; 410 is for good."""
    code = f"http_{status}"
    if status // 100 == 2:
        return DELIVERED
    if status == GONE:
        return Outcome("permanent", code)
    wish = _seconds(retry_after) if status in THROTTLED else None
    return Outcome("temporary", code, wish)


def _seconds(retry_after: str | None) -> float | None:
    # The form with a date is not honoured: their clock may be anywhere.
    text = (retry_after or "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def of_smtp(code: int) -> Outcome:
    """A mail server's answer (RFC 5321 §4.2.1): 5yz is for good, 4yz for now."""
    if code // 100 == 2:
        return DELIVERED
    return Outcome("permanent" if code // 100 == 5 else "temporary", f"smtp_{code}")
