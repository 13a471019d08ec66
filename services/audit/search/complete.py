"""What an answer is complete for, in words. Pure; the offline verifier has these words, too."""

from collections.abc import Mapping
from typing import Any

ZONE = "Europe/London"


def complete_for(size: int, appended: int, where: Mapping[str, Any] = {}) -> str:
    """Which entries an answer from the trail of `size` stands for, `appended` being there by now."""
    return (
        f"All that matches and that you may see among {sealed_entries(size, where)}. "
        f"{max(0, appended - size)} more are not sealed yet and not in it."
    )


def complete_for_export(size: int, where: Mapping[str, Any] = {}) -> str:
    """Which entries an export of the trail of `size` stands for, however far the trail moved on."""
    all_of_it = "All of" if not where else "All that matches and that who fetched it may see among"
    return f"{all_of_it} {sealed_entries(size, where)}. Nothing that was sealed later is in it."


def complete_for_entry(seq: int, size: int) -> str:
    """What one entry stands for, the newest checkpoint covering `size`."""
    sealed = "which are sealed" if seq < size else "which are sealed: this one is not yet"
    return f"This entry whole, and no other. The trail has {size} entries {sealed}."


def sealed_entries(size: int, where: Mapping[str, Any]) -> str:
    """The entries of a trail of `size` that lie in the window of a search."""
    since, until = where.get("from"), where.get("to")
    window = f", recorded from {since}" if since else ""
    window += f"{' and' if since else ', recorded'} before {until}" if until else ""
    zone = f" (days are those of {ZONE})" if window else ""
    return f"the first {size} entries, which are sealed{window}{zone}"
