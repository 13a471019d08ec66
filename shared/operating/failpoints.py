"""Named places where a test may kill the process, to prove that nothing is lost there.

`FAULTS=1 FAULT=relay.after_confirm:3` ends the process with SIGKILL at the third pass of that
point. Without `FAULTS=1` a point costs one comparison. Never set in production: the runner
refuses to start with it unless ENVIRONMENT is development.
"""

import os
import signal

_armed = os.environ.get("FAULTS") == "1"
_name, _, _count = os.environ.get("FAULT", "").partition(":")
_left = int(_count or "1")


def armed() -> bool:
    """Whether this process may kill itself on purpose."""
    return _armed


def failpoint(name: str) -> None:
    """A place between two steps that a crash could separate."""
    global _left  # noqa: PLW0603 - the one counter of a process that is about to die
    if not _armed or name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
