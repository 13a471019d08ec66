"""`python -m allinone` with its sample people's tokens, for tests that arrange by the API what a browser
is then to show."""

import re
from pathlib import Path
from typing import Any

import httpx2

from tests.harness.embedded import Embedded
from tests.harness.waiting import PATIENCE


class SampleNetwork:
    """A network of its own. `base` is its address once it has started."""

    base: str

    def __init__(self, folder: Path, **settings: str) -> None:
        self._embedded, self.tokens = Embedded(folder, **settings), dict[str, str]()
        self.sent = 0

    async def start(self) -> None:
        """Returns once it is up."""
        printed = await self._embedded.start()
        self.base = re.findall(r"http://127\.0\.0\.1:\d+", printed)[0]
        self.tokens = dict(re.findall(r"export (\w+)=(\S+)", printed))

    @property
    def log(self) -> str:
        """All that its process has written."""
        return self._embedded.printed()

    async def stop(self) -> None:
        """Ended."""
        await self._embedded.stop()

    async def ask(
        self, who: str, method: str, path: str, body: Any = None, **headers: str
    ) -> httpx2.Response:
        """One request of a sample person, which is answered well."""
        fields = {"Authorization": f"Bearer {self.tokens[who]}", **headers}
        async with httpx2.AsyncClient(base_url=self.base, timeout=10 * PATIENCE) as http:
            answer = await http.request(method, path, json=body, headers=fields)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    async def change_worker(self, worker_id: str, **changes: Any) -> None:
        """Their entry, amended."""
        path = f"/v1/workers/{worker_id}"
        known = await self.ask("OPERATOR", "GET", path)
        entry = {**known.json()["entry"], **changes}
        await self.ask("OPERATOR", "PUT", path, entry, **{"If-Match": known.headers["ETag"]})

    async def refer(self, name: str, born: str, **changes: Any) -> str:
        """The id of a referral that the school has sent."""
        self.sent += 1
        body = {
            "agency_reference": f"SYN-{self.sent}",
            "urgency": "five_working_days",
            "area": "northtown",
            "referrer": {"name": "Sample Referrer", "role": "teacher", "contact": "r@s.example"},
            "subject": {"name": name, "date_of_birth": born},
            "indicators": [{"code": "missing_episodes", "recency": "current"}],
            "narrative": "Synthetic text.",
            **changes,
        }
        key = {"Idempotency-Key": f"syn-{self.sent}"}
        answer = await self.ask("AGENCY", "POST", "/v1/referrals", body, **key)
        return str(answer.json()["id"])
