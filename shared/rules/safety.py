"""Who is meant by a safety mark: people and agencies by name, and whether one of them is marked. Pure.

A name is `agency:<id>`, `worker:<id>` or `account:<pseudonym of the account>`. A mark belongs to a
young person. Whoever has a marked name reads nothing of them, does nothing and is told nothing. So
does every agency of a kind, `agency_kind:<kind>`, that the young person's parents would hear from.
"""

from collections.abc import Iterable

ACCOUNT = "account:"


def names_of(
    *,
    agency_id: str | None = None,
    worker_id: str | None = None,
    account: str | None = None,
    host_agency_id: str | None = None,
) -> frozenset[str]:
    """All names of one person. Where a worker sits counts as their own agency."""
    named = {
        f"agency:{agency_id}": agency_id,
        f"agency:{host_agency_id}": host_agency_id,
        f"worker:{worker_id}": worker_id,
        f"{ACCOUNT}{account}": account,
    }
    return frozenset(name for name, given in named.items() if given)


def without_accounts(unsafe: Iterable[str]) -> tuple[str, ...]:
    """The marked agencies and workers: an account takes no case, nor does a kind of agency."""
    return tuple(sorted(name for name in unsafe if name.startswith(("agency:", "worker:"))))
