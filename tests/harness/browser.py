"""A real browser for the tests: Debian's Chromium, driven by Playwright. Every page that it shows is
looked at: rules of accessibility (axe), its weight, its requests, what its console says.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    ViewportSize,
    async_playwright,
)

DESKTOP = ViewportSize(width=1280, height=900)
# The smallest that is asked of a page: also what 400 % zoom leaves of 1280 (WCAG 2.2, 1.4.10).
PHONE = ViewportSize(width=320, height=640)
MOST_BYTES = 60_000
MOST_REQUESTS = 3
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
# WCAG 2.2 A and AA, and what axe holds for good practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What reaches beyond the screen, of which a page should show no more than nothing.
WIDER = """() => {
  const most = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= most) return [];
  return [...document.querySelectorAll("main *")]
    .filter(one => one.getBoundingClientRect().right > most)
    .map(one => one.outerHTML.slice(0, 120));
}"""
# How a page is built: its elements, their classes and roles, what has words and what has none, how wide.
BUILT = """() => innerWidth + ":" + [...document.querySelectorAll("*")].map(one => [
  one.tagName, one.className, one.type, one.textContent.trim() ? 1 : 0, one.labels ? one.labels.length : "",
  ...[...one.attributes].filter(each => each.name.startsWith("aria") || each.name === "role")
    .map(each => each.name)].join(".")).join("/")"""
LOOKED_AT = set[str]()
PICTURES = os.environ.get("PICTURES", "")
PATIENCE = float(os.environ.get("PATIENCE", "1"))


def chromium() -> str:
    """The browser's program; installed with apt-get where we are root and it is missing."""
    if shutil.which("chromium") is None:
        from tests.harness.install import install_chromium

        install_chromium()
    found = shutil.which("chromium")
    assert found, "No Chromium: install Debian's `chromium`."
    return found


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """A browser, which ends with the block. It reaches this machine only."""
    rules = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    words = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--host-resolver-rules={rules}",
    ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=words)
        try:
            yield browser
        finally:
            await browser.close()


class Person:
    """Somebody at a screen. `clicks` counts what they had to press, `looked_at` has each page's heading,
    `asked` every address that the browser asked for."""

    def __init__(self, page: Page, base: str, *, scripts: bool) -> None:
        self.page, self.base, self._scripts = page, base, scripts
        self.clicks, self.looked_at = 0, list[str]()
        self._bytes, self._requests, self._said = 0, list[str](), list[str]()
        self.asked = list[str]()
        page.on("response", self._weigh)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._said.append(str(error)))

    async def open(self, path: str) -> None:
        """Go to an address."""
        self._begin()
        await self.page.goto(f"{self.base}{path}")
        await self.look()

    async def press(self, words: str, *, within: str = "main") -> None:
        """Press a button, or follow a link, that is called so; then a page is there."""
        self._begin()
        self.clicks += 1
        await self.named(words, within).first.click()
        await self.page.wait_for_load_state("load")
        await self.look()

    def named(self, words: str, within: str = "main") -> Locator:
        """The buttons and links that are called so."""
        place = self.page.locator(within)
        return place.get_by_role("button", name=words).or_(place.get_by_role("link", name=words))

    async def choose(self, words: str) -> None:
        """Tick what is called so."""
        self.clicks += 1
        await self.page.get_by_label(words, exact=False).first.check()

    async def write(self, label: str, words: str) -> None:
        """Fill in the field of that label."""
        await self.page.get_by_label(label, exact=False).first.fill(words)

    async def reads(self) -> str:
        """What the page says."""
        return await self.page.locator("main").inner_text()

    async def picture(self, name: str) -> None:
        """Keep a picture of the page, where `make pictures` asks for them."""
        if PICTURES:
            await self.page.screenshot(path=Path(PICTURES) / f"{name}.png", caret="hide")

    async def look(self) -> None:
        """Fails where the page is not fit for everybody, too heavy, or goes elsewhere."""
        heading = await self.page.locator("h1").inner_text()
        self.looked_at.append(heading)
        where = f"{self.page.url} ({heading})"
        assert not self._said, f"{where}: {self._said}"
        foreign = [each for each in self._requests if not each.startswith(self.base)]
        assert not foreign, f"{where} asks {foreign}"
        assert self._bytes <= MOST_BYTES, f"{where} has {self._bytes} bytes"
        parts = {each for each in self._requests if "/static/" in each}
        assert 1 + len(parts) <= MOST_REQUESTS, f"{where}: {self._requests}"
        if self._scripts:
            await self._accessible(where)

    async def look_again(self) -> None:
        """The same, after something has changed on the page. What it asked for then is not its weight."""
        self._bytes, self._requests = 0, []
        await self.look()

    async def _accessible(self, where: str) -> None:
        wide = await self.page.evaluate(WIDER)
        assert not wide, f"{where} is wider than the screen: {wide}"
        built = await self.page.evaluate(BUILT)
        if built in LOOKED_AT:
            return  # the rules ask how a page is built, and one built so has passed them
        # Without our policy about scripts in the way: this is the test's own.
        await self.page.evaluate(AXE)
        found = await self.page.evaluate(
            "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
        )
        told = [
            (each["id"], each["help"], [node["html"][:200] for node in each["nodes"]])
            for each in found["violations"]
        ]
        assert not told, f"{where}: {told}"
        LOOKED_AT.add(built)

    def _hear(self, line: ConsoleMessage) -> None:
        # A form that is not right yet, and a proof that is refused, come back so: the page says why.
        if not any(f"status of {status}" in line.text for status in (409, 422)):
            self._said.append(line.text)

    def _begin(self) -> None:
        self._bytes, self._requests, self._said = 0, [], []

    async def _weigh(self, response: Response) -> None:
        self._requests.append(response.url)
        self.asked.append(response.url)
        size = response.headers.get("content-length", "0")
        self._bytes += int(size)


@asynccontextmanager
async def at_a_screen(
    browser: Browser, base: str, *, phone: bool = False, scripts: bool = True, **options: Any
) -> AsyncIterator[Person]:
    """Somebody who begins with no cookies."""
    context = await browser.new_context(
        viewport=PHONE if phone else DESKTOP, java_script_enabled=scripts, **options
    )
    context.set_default_timeout(15_000 * PATIENCE)
    try:
        yield Person(await context.new_page(), base, scripts=scripts)
    finally:
        await context.close()
