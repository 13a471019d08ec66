"""Waiting for something to become true, with a deadline instead of a sleep."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

INTERVAL = 0.02

T = TypeVar("T")


@overload
async def until(
    check: Callable[[], Awaitable[T]], *, deadline: float = ..., what: str = ...
) -> T: ...
@overload
async def until(check: Callable[[], T], *, deadline: float = ..., what: str = ...) -> T: ...
async def until(check: Callable[[], object], *, deadline: float = 10.0, what: str = "") -> object:
    """The first true value of `check`. Fails when there is none within `deadline` seconds."""
    seen: object = None
    try:
        async with asyncio.timeout(deadline):
            while True:
                seen = check()
                if isinstance(seen, Awaitable):
                    seen = await seen
                if seen:
                    return seen
                await asyncio.sleep(INTERVAL)
    except TimeoutError:
        what = what or getattr(check, "__qualname__", "the condition")
        raise AssertionError(
            f"waited {deadline} s in vain for {what}; last seen: {seen!r:.200}"
        ) from None
