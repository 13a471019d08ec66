"""A cancellation that was swallowed is raised after all."""

import asyncio

import pytest

from shared.operating.cancellation import raise_if_cancelled


async def test_a_swallowed_cancellation_is_raised_at_the_next_round() -> None:
    async def swallow() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    async def rounds() -> None:
        while True:
            raise_if_cancelled()
            await swallow()

    task = asyncio.create_task(rounds())
    await asyncio.wait({task}, timeout=0)
    task.cancel()
    await asyncio.wait({task}, timeout=1)

    assert task.cancelled()


async def test_who_is_not_cancelled_goes_on() -> None:
    raise_if_cancelled()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
    raise_if_cancelled()
