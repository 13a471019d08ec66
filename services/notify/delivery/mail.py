"""One e-mail by SMTP. The server is the operator's; the certificate is checked, always."""

import ssl
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib

from services.notify.delivery.outcomes import (
    BROKE_OFF,
    DELIVERED,
    TIMED_OUT,
    UNREACHABLE,
    Outcome,
    of_smtp,
)

TIMEOUT = 20.0
SCHEMES = {"smtps": 465, "smtp+starttls": 587, "smtp": 25}


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("SMTP_URL: is no address") from None
    return parts


class Mailer:
    """`url`: `smtps://user:password@host:465`, or `smtp+starttls://…:587`; empty: no mail at all.

    `smtp://`, without TLS, only in development. Raises `ValueError` for any other.
    """

    def __init__(self, url: str, sender: str, *, development: bool = False) -> None:
        parts = _parts(url)
        if url and (parts.scheme not in SCHEMES or not parts.hostname or not sender):
            raise ValueError(
                "SMTP_URL: expected smtps:// or smtp+starttls://, and MAIL_FROM with it"
            )
        if parts.scheme == "smtp" and not development:
            raise ValueError("SMTP_URL: smtp://, without TLS, is for development only")
        self.enabled = bool(url)
        self._parts, self._sender = parts, sender
        self._context = ssl.create_default_context() if url else None

    async def send(self, to: str, message_id: str, subject: str, text: str) -> Outcome:
        """What the mail server said. Raises nothing of the network's.

        The same `message_id` on every attempt lets a mailbox drop a second copy.
        """
        if not self.enabled:
            return Outcome("permanent", "no_mail_server")
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, to, subject
        mail["Date"] = formatdate(usegmt=True)
        mail["Message-ID"] = f"<{message_id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
        mail.set_content(text)
        parts = self._parts
        try:
            await aiosmtplib.send(
                mail,
                hostname=parts.hostname,
                port=parts.port or SCHEMES[parts.scheme],
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                use_tls=parts.scheme == "smtps",
                start_tls=parts.scheme == "smtp+starttls",
                tls_context=None if parts.scheme == "smtp" else self._context,
                local_hostname="localhost",
                timeout=TIMEOUT,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            return _failure(error)
        return DELIVERED


def _failure(error: Exception) -> Outcome:
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            return of_smtp(error.recipients[0].code)
        case aiosmtplib.SMTPAuthenticationError():
            return Outcome("temporary", "smtp_login_refused")  # ours to mend, not the recipient's
        case aiosmtplib.SMTPResponseException():
            return of_smtp(error.code)
        case aiosmtplib.SMTPConnectError() | aiosmtplib.SMTPConnectTimeoutError():
            return UNREACHABLE
        case TimeoutError():
            return TIMED_OUT
    return BROKE_OFF
