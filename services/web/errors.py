"""Why a page says no, in words that a tired person understands."""

from dataclasses import dataclass


class SignInFirst(Exception):
    """Nobody is signed in, or no longer."""


class SayWhyFirst(Exception):
    """The trail is asked for nothing before it is said why."""


class FromElsewhere(Exception):
    """A link on a page of somebody else's: to look is written down, so whoever is here decides."""


class NotFromOurPage(Exception):
    """A form that was not on a page of ours, or on one of an earlier session."""


@dataclass(frozen=True)
class Words:
    """A page's heading, and what to do."""

    heading: str
    advice: str


BY_STATUS = {
    403: Words(
        "You can't do this",
        "Your role does not allow it. If you think it should, ask your Hub's manager.",
    ),
    404: Words(
        "There is nothing here for you",
        "Either it does not exist, or it is not yours to see. Check the address, or go to your "
        "first page.",
    ),
    409: Words(
        "This can't be done as things stand",
        "Something else has been decided meanwhile. Go back, load the page again and see how it is.",
    ),
    412: Words(
        "Somebody else has changed this",
        "Nothing of yours was saved. Go back, load the page again and see what has changed.",
    ),
    422: Words(
        "Something in this form is not right",
        "Nothing was saved. Go back and check what you have entered.",
    ),
    429: Words("Too much at once", "Wait a minute, then try again. Nothing was lost."),
}
AWAY = Words(
    "We can't reach the network just now",
    "What you entered on earlier pages is kept. Try again in a minute. If a young person is in "
    "danger, don't wait for us: call 999.",
)
BROKEN = Words(
    "Something went wrong on our side",
    "It is in our log. Try again; if it stays like this, call your Hub.",
)
FORM = Words(
    "This form has grown too old",
    "Go back to the page, load it again and send it once more. Nothing was saved.",
)
