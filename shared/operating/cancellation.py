"""Being cancelled for certain."""

import asyncio


def raise_if_cancelled() -> None:
    """Raise the cancellation of this task, if what it awaited has swallowed it.

    On Python 3.11 `asyncio.wait_for` may return its result while it is being cancelled, and the
    store's driver uses it for every call (one cancellation in four is lost under load). So each
    round of an endless loop starts here, or the loop would outlive whoever cancelled it.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
