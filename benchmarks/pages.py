"""What a page costs beside the calls of the APIs that it makes: `make bench-pages`.

The four APIs and the trial issuer are one process (`make run`), the pages another. Which calls a page
makes, and which of them wait for which, is recorded at the pages' own HTTP client; then each is measured
in turn with those calls, sent from here with the same token in the same order.
"""

import asyncio
import os
import re
import statistics
import tempfile
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2

from allinone.embedded import ISSUER
from allinone.issuer import AUTHORIZE, CLIENT, METADATA, YOUNG_PEOPLE
from allinone.people import PEOPLE
from services.web.api import KEPT
from services.web.settings import WebSettings
from shared.clock import now
from tests.harness.page_calls import Call, calls_of, looked_at
from tests.harness.processes import Module
from tests.harness.sample_network import SampleNetwork
from tests.harness.unlimited import UNLIMITED
from tests.harness.waiting import until

ROUNDS = int(os.environ.get("ROUNDS", "40"))
REFERRALS = int(os.environ.get("REFERRALS", "12"))
ONLY = os.environ.get("ONLY", "")  # a regular expression of pages, as `/cases|trail`
GOAL = 2.0
WARM = 3
KEEPING = httpx2.Limits(keepalive_expiry=KEPT)
PAGES = {
    "school": "/referrals /referrals/{case} /refer /directory /messages /register /settings",
    "worker": "/today /cases /cases/{case} /cases/{case}/close /leave-times /messages /settings",
    "manager": (
        "/board /cases /cases/{case} /cases/{case}/why /cases/{case}/transfer /caseloads /matches "
        "/workers /leave-requests /hand-over /transfers /register /agreements "
        "/agreements/isa_northtown /numbers/{quarter}"
    ),
    "auditor": (
        "/trail?purpose=verification&referral_id={case} /trail/referrals/{case}?purpose=verification "
        "/trail/reports /trail/exports?purpose=verification /trail/integrity"
    ),
    "operator": "/stranded /register/agencies /register/areas /register/hubs",
    "young person": "/ /for-you /for-you/ask /help-near-you",
}


@dataclass(frozen=True)
class Measured:
    """Milliseconds of a page, and of its calls alone."""

    page: list[float]
    calls: list[float]
    made: list[Call]

    @property
    def ratio(self) -> float | None:
        """p95 of the page by p95 of its calls; None where it makes none."""
        return p95(self.page) / p95(self.calls) if self.made else None

    def row(self, name: str) -> str:
        """A line of the table."""
        ratio = self.ratio
        alone = (statistics.median(self.calls), p95(self.calls))
        middle, high = (f"{each:.1f}" if ratio else "–" for each in alone)
        return (
            f"| {name} | {len(self.made)} | {statistics.median(self.page):.1f} | {middle} "
            f"| {p95(self.page):.1f} | {high} | {f'{ratio:.2f}' if ratio else '–'} |"
        )


def p95(took: Sequence[float]) -> float:
    """The value that 95 of 100 do not pass."""
    return statistics.quantiles(took, n=20, method="inclusive")[-1] if len(took) > 1 else took[0]


async def signed_in(base: str, who: str) -> dict[str, str]:
    """The cookies of a sample person's session; none for a young person, who has none."""
    if who not in PEOPLE:
        return {}
    async with httpx2.AsyncClient(base_url=base, follow_redirects=True, timeout=30) as http:
        page = (await http.get("/sign-in?to=/settings")).text
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        (await http.post(AUTHORIZE, data={**hidden, "who": who})).raise_for_status()
        return {one.name: one.value or "" for one in http.cookies.jar}


async def again(http: httpx2.AsyncClient, calls: Sequence[Call]) -> None:
    """The same calls, each as soon as those are answered that had been answered when the page made it."""

    async def one(call: Call, before: Sequence["asyncio.Task[None]"]) -> None:
        for each in before:
            await each
        asked = call.asked
        answer = await http.request(
            asked.method, asked.url, headers=asked.headers, content=asked.content
        )
        assert answer.status_code in (200, 403, 404), answer.text

    tasks = list["asyncio.Task[None]"]()
    for call in calls:
        ended = zip(calls, tasks, strict=False)
        before = [task for known, task in ended if known.ended <= call.began]
        tasks.append(asyncio.create_task(one(call, before)))
    await asyncio.gather(*tasks)


async def milliseconds(work: Awaitable[None]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1000


async def compared(pages: str, path: str, cookies: Mapping[str, str], made: list[Call]) -> Measured:
    """The page and its calls in turn; which of them is first changes each round."""
    found = Measured([], [], made)
    async with (
        httpx2.AsyncClient(base_url=pages, timeout=30, limits=KEEPING) as reader,
        httpx2.AsyncClient(timeout=30, limits=KEEPING) as caller,
    ):
        for number in range(-WARM, ROUNDS):
            turns = [
                (found.page, looked_at(reader, path, cookies)),
                (found.calls, again(caller, made)),
            ]
            for kept, work in turns[:: 1 if number % 2 else -1]:
                took = await milliseconds(work)
                if number >= 0:
                    kept.append(took)
    return found


def settings_of(network: SampleNetwork, folder: Path) -> dict[str, str]:
    """The pages' settings: those of `make run`, so that they read the same sessions."""
    keys = folder / "data" / "keys"
    return {
        "ENVIRONMENT": "development",
        "AUTH_ISSUER": ISSUER,
        "WEB_ADDRESS": network.base,
        "WEB_API": network.base,
        "WEB_METADATA": f"{network.base}{METADATA}",
        "WEB_CLIENT_ID": CLIENT,
        "WEB_SELF_CLIENT_ID": YOUNG_PEOPLE,
        "WEB_SELF_CLIENT_SECRET": (keys / "web_self.key").read_text("utf-8"),
        "WEB_SESSION_KEY": (keys / "web_session.key").read_text("utf-8"),
    }


async def filled(network: SampleNetwork) -> tuple[str, str]:
    """Referrals with their workers: the last of them, and who of the sample people has it."""
    for number in range(REFERRALS):
        case = await network.refer(f"Sample Child {number}", f"2011-03-{number % 28 + 1:02}")

    async def placed() -> str:
        found = (await network.ask("MANAGER", "GET", "/v1/allocations?limit=100")).json()
        held = (each["worker_id"] for each in found["allocations"] if each["id"] == case)
        return str(next(held, None) or "")

    worker = await until(placed, deadline=30, what="a worker")
    return case, next(n for n, p in PEOPLE.items() if p.claims.get("worker_id") == worker)


async def measured(network: SampleNetwork, pages: Module, settings: WebSettings) -> list[Measured]:
    """Every page of `PAGES`, printed as it is measured."""
    case, holder = await filled(network)
    today = now()
    quarter = f"{today.year}-Q{(today.month + 2) // 3}"
    every = list[Measured]()
    for role, paths in PAGES.items():
        cookies = await signed_in(network.base, holder if role == "worker" else role)
        for path in (each for each in paths.split() if re.search(ONLY, each)):
            at = path.format(case=case, quarter=quarter)
            made = await calls_of(settings, at, cookies)
            every.append(await compared(pages.url, at, cookies, made))
            print(every[-1].row(f"{role}: {path}"), flush=True)
            if os.environ.get("CALLS"):
                print("".join(f"  {each.said}\n" for each in made), end="")
    return every


async def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as name:
        network = SampleNetwork(Path(name), **UNLIMITED, LOG_LEVEL="INFO")
        await network.start()
        given = settings_of(network, Path(name))
        pages = Module("services.web", given, Path(name))
        try:
            await pages.start_ready()
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {ROUNDS} rounds\n")
            print("| page | calls | median | of its calls | p95 | of its calls | ratio of p95 |")
            print("|---|---|---|---|---|---|---|")
            known = {each.lower(): value for each, value in given.items()}
            every = await measured(network, pages, WebSettings.model_validate(known))
            ratios = [each.ratio for each in every if each.ratio]
            over = sum(each > GOAL for each in ratios)
            print(f"\nover {GOAL:g}: {over} of {len(ratios)}; worst {max(ratios):.2f}, ", end="")
            print(f"median {statistics.median(ratios):.2f}; load {os.getloadavg()[0]:.1f}")
        finally:
            await pages.stop()
            await network.stop()


if __name__ == "__main__":
    asyncio.run(main())
