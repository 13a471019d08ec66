"""Signing secrets and confirmation codes: derived from one key of the service, never stored."""

import base64
import hashlib
import hmac

from services.notify.subscriptions.subscription import Subscription


class Secrets:
    """`key` has 32 bytes or more. Whoever reads the database learns no secret."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, subscription: Subscription, generation: int | None = None) -> str:
        """A webhook's signing secret (Standard Webhooks: `whsec_` and base64 of 32 bytes).

        Derived, not stored: whoever reads the database learns no secret.
        """
        number = subscription.generation if generation is None else generation
        mac = self._mac(f"{subscription.recipient_id}/{number}")
        return "whsec_" + base64.b64encode(mac).decode()

    def confirmation_code(self, subscription: Subscription) -> str:
        """The code that proves a mailbox: ten letters and digits, another for every address, and for
        one that is given anew: who has an old code proves nothing by it."""
        turn = f"/{subscription.mailboxes}" if subscription.mailboxes else ""
        mac = self._mac(f"mail/{subscription.id}/{subscription.email}{turn}")
        return base64.b32encode(mac).decode()[:10]

    def pseudonym(self, name: str) -> str:
        """What stands for a recipient or a mailbox where its name need not stand."""
        return self._mac(f"counted/{name}").hex()[:32]

    def _mac(self, name: str) -> bytes:
        return hmac.new(self._key, name.encode(), hashlib.sha256).digest()
