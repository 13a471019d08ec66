"""One visit of a page: who is here, what they ask, and the page that answers."""

import hmac
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.web.api import Asker
from services.web.errors import FromElsewhere, NotFromOurPage, SignInFirst
from services.web.session import Person, Session
from services.web.settings import WebSettings

SEE_OTHER = 303
DONE = "done"
MOST_FIELDS = 300


class Visit:
    """A person who is signed in, on a page. `api` asks with their own token."""

    def __init__(self, request: Request, session: Session) -> None:
        self._request, self.session = request, session
        self.person: Person = session.person
        host = request.client.host if request.client else "unknown"
        self.api: Asker = request.app.state.apis.asked_by(session.access, host)

    def page(self, name: str, status: int = 200, **content: Any) -> HTMLResponse:
        """A page made from that template."""
        return show(self._request, name, status, visit=self, **content)

    def page_address(self, path: str) -> str:
        """A page of ours, as it is opened from elsewhere."""
        return f"{self.settings.web_address}{path}"

    @property
    def settings(self) -> WebSettings:
        """Those of the pages."""
        found: WebSettings = self._request.app.state.settings
        return found

    def note(self, said: str, told: list[str], made: str = "") -> None:
        """What the next page says of what was done on this one: kept sealed, for that page alone."""
        kept = self._request.app.state.cookies.seal_for(
            DONE, {"said": said, "told": told, "made": made}
        )
        self._request.state.set_cookies = [kept]

    def noted(self) -> dict[str, Any] | None:
        """What the page before has noted, once."""
        cookies = self._request.app.state.cookies
        found: dict[str, Any] | None = cookies.kept_for(DONE, self._request.cookies)
        if found is not None:
            self._request.state.set_cookies = [cookies.forgotten(DONE)]
        return found

    async def form(self) -> "Form":
        """What was sent: looked at already by `signed_in`."""
        return Form(await self._request.form(max_fields=MOST_FIELDS))


class Form:
    """The fields of a form. What was not filled in is empty."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def text(self, name: str) -> str:
        """One field, without the blanks around it and with the line ends that we write."""
        found = self._data.get(name)
        text = "" if found is None or isinstance(found, UploadFile) else found
        return text.replace("\r\n", "\n").strip()

    async def file(self, name: str) -> str:
        """The text of a file; empty where none was chosen."""
        found = self._data.get(name)
        return (
            (await found.read()).decode("utf-8", "replace") if isinstance(found, UploadFile) else ""
        )

    def each(self, name: str) -> list[str]:
        """All that was ticked."""
        return [one for one in self._data.getlist(name) if isinstance(one, str) and one]


async def signed_in(request: Request) -> Visit:
    """Who is here. A form must come from a page of ours, and a look from
    whoever is here. Raises `SignInFirst`, `NotFromOurPage`, `FromElsewhere`."""
    session = request.state.session
    if session is None:
        raise SignInFirst
    if request.method not in ("GET", "HEAD"):
        await from_our_page(request, session)
    elif request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise FromElsewhere
    return Visit(request, session)


async def from_our_page(request: Request, session: Session) -> None:
    """Returns for a form of this session. Raises `NotFromOurPage` (OWASP: synchronizer token, and
    where the request comes from, as the browser says)."""
    if not comes_from_us(request):
        raise NotFromOurPage
    token = (await request.form(max_fields=MOST_FIELDS)).get("csrf")
    if not isinstance(token, str) or not hmac.compare_digest(
        token.encode("utf-8", "replace"), session.csrf.encode()
    ):
        raise NotFromOurPage


def comes_from_us(request: Request) -> bool:
    """Whether the browser says nothing else of where a form was."""
    said = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return said in (None, request.app.state.settings.web_address) and site == "same-origin"


Visiting = Annotated[Visit, Depends(signed_in)]


def show(request: Request, name: str, status: int = 200, **content: Any) -> HTMLResponse:
    """A page, for whoever it is."""
    template = request.app.state.templates.get_template(name)
    content.setdefault("visit", None)
    return HTMLResponse(template.render(path=request.url.path, **content), status)


def to(path: str) -> Response:
    """On to another page of ours, after something was done."""
    return RedirectResponse(path, SEE_OTHER)


def to_sign_in(request: Request) -> Response:
    """To sign in, and back again to what was looked at."""
    where = request.url.path if request.method in ("GET", "HEAD") else "/"
    return RedirectResponse(f"/sign-in?to={quote(where)}", SEE_OTHER)
