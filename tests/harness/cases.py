"""One test of many cases: what parametrisation costs for each case is paid once for all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any


def every_case(cases: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Make one test of a check of one case. It runs every case and fails with all that fail,
    each named in a note. A case that is a tuple is spread over the arguments."""
    found = list(cases)

    def of(check: Callable[..., None]) -> Callable[[], None]:
        def test() -> None:
            assert found, "there is no case"
            failed: list[Exception] = []
            for case in found:
                try:
                    check(*case) if isinstance(case, tuple) else check(case)
                except Exception as error:
                    error.add_note(f"case: {case!r:.300}")
                    failed.append(error)
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(found)} cases fail", failed)

        test.__name__, test.__doc__, test.__module__ = (
            check.__name__,
            check.__doc__,
            check.__module__,
        )
        return test

    return of


async def at_once(
    check: Callable[..., Awaitable[None]], cases: Iterable[Any], *, most: int = 8
) -> None:
    """Check all cases, up to `most` at the same time, as one test: fails with all that fail, each
    named in a note. A case that is a tuple is spread over the arguments."""
    found, slots, failed = list(cases), asyncio.Semaphore(most), list[Exception]()
    assert found, "there is no case"

    async def one(case: Any) -> None:
        async with slots:
            try:
                await (check(*case) if isinstance(case, tuple) else check(case))
            except Exception as error:
                error.add_note(f"case: {case!r:.300}")
                failed.append(error)

    await asyncio.gather(*(one(case) for case in found))
    if failed:
        raise ExceptionGroup(f"{len(failed)} of {len(found)} cases fail", failed)
