"""What was written on a page is sent once, and what was written last is never lost."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest_asyncio

from services.web.api import Apis, Asker
from services.web.referring import drafts
from services.web.sending import post_once
from tests.harness.sample_network import SampleNetwork
from tests.unit.test_web_front import settings_with

SENT: dict[str, Any] = {
    "agency_reference": "WEB-1",
    "urgency": "same_day",
    "area": "northtown",
    "subject": {"name": "Sample Child", "date_of_birth": "2012-05-17"},
    "narrative": "Synthetic text.",
    "referrer": {"name": "Sample Referrer", "role": "teacher", "contact": "r@school.example"},
}


@pytest_asyncio.fixture(scope="module")
async def network(tmp_path_factory: Any) -> AsyncIterator[SampleNetwork]:
    started = SampleNetwork(tmp_path_factory.mktemp("sending"))
    await started.start()
    try:
        yield started
    finally:
        await started.stop()


@pytest_asyncio.fixture
async def school(network: SampleNetwork) -> AsyncIterator[Asker]:
    settings = settings_with(environment="development", web_api=network.base)
    apis = Apis(settings, httpx2.AsyncHTTPTransport())
    yield apis.asked_by(network.tokens["AGENCY"], "127.0.0.1")
    await apis.close()


async def test_a_word_more_after_a_lost_answer_is_sent_too(school: Asker) -> None:
    first = await post_once(school, SENT, "key-of-a-page-1")
    same = await post_once(school, SENT, "key-of-a-page-1")
    more = {**SENT, "narrative": "Synthetic text. Do not call the home."}
    second = await post_once(school, more, "key-of-a-page-1")
    again = await post_once(school, more, "key-of-a-page-1")

    assert first["id"] == same["id"] != second["id"] == again["id"]
    read = await school.get("referral", f"/v1/referrals/{second['id']}")
    assert "Do not call the home." in str(read["categories"]["narrative"])


async def test_a_draft_that_is_sent_by_two_presses_at_once_is_one_referral(school: Asker) -> None:
    draft_id = await drafts.begin(school)
    draft = await drafts.read(school, draft_id)
    answers = {"urgency": "same_day", "area": "northtown", "narrative": "Synthetic text."}
    await drafts.keep(school, draft, answers)
    whole = await drafts.read(school, draft_id)

    receipts = await asyncio.gather(*(drafts.send(school, whole) for _ in range(3)))

    assert len({receipt["id"] for receipt in receipts}) == 1
    assert re.fullmatch(r"ref_[0-9a-f]{32}", receipts[0]["id"])
