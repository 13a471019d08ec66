"""A worker leaves the Hub."""

from services.web.visit import Form, Visit


async def removed(visit: Visit, worker_id: str, form: Form) -> None:
    """No new cases, and none is theirs any more: a hand-over plan for the rest waits for a manager.
    Of an entry that has changed since it was shown nothing is done: raises `Refused`."""
    fields = {"If-Match": form.text("tag")}
    await visit.api.ask("allocation", "DELETE", f"/v1/workers/{worker_id}", headers=fields)
