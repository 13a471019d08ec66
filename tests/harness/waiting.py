"""Waiting for something to become true, with a deadline instead of a sleep."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

INTERVAL = 0.02
# How much longer every deadline is: `make test` must not fail because the machine is busy.
PATIENCE = float(os.environ.get("PATIENCE", "1"))
STOP = 5.0 * PATIENCE

T = TypeVar("T")


@overload
async def until(
    check: Callable[[], Awaitable[T]], *, deadline: float = ..., what: str = ...
) -> T: ...
@overload
async def until(check: Callable[[], T], *, deadline: float = ..., what: str = ...) -> T: ...
async def until(check: Callable[[], object], *, deadline: float = 10.0, what: str = "") -> object:
    """The first true value of `check`. Fails when there is none within `deadline` seconds (times
    PATIENCE)."""
    seen: object = None
    deadline *= PATIENCE
    clock = asyncio.get_running_loop().time
    end = clock() + deadline
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(end):
            # The clock is asked as well: on Python 3.11 a check may swallow the timeout.
            while clock() < end:
                answer = check()
                seen = await answer if isinstance(answer, Awaitable) else answer
                if seen:
                    return seen
                await asyncio.sleep(INTERVAL)
    what = what or getattr(check, "__qualname__", "the condition")
    raise AssertionError(f"waited {deadline} s in vain for {what}; last seen: {seen!r:.200}")


async def stopped(*tasks: "asyncio.Task[Any]", what: str) -> None:
    """Cancel background tasks, once, and fail when one of them does not raise_if_cancelled it."""
    for task in tasks:
        task.cancel()
    _, late = await asyncio.wait(tasks, timeout=STOP)
    assert not late, f"{what} goes on after it was cancelled"
