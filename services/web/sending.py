"""Sending a referral from a page: once, and never less than what was written last."""

import json
from collections.abc import Mapping
from typing import Any

from services.web.api import Asker, Refused
from shared.ids import keyed_id

USED = "idempotency_key_reused"


async def post_once(api: Asker, sent: Mapping[str, Any], key: str) -> Any:
    """The receipt of a referral, sent once under this key. Where something else was sent under it
    before, whose answer got lost, what is written now is sent as a referral of its own: the two are
    found to be about one young person, and no word is lost. Raises `Refused`, `Away`."""
    try:
        return await api.post("referral", "/v1/referrals", dict(sent), key=key)
    except Refused as error:
        if error.code != USED:
            raise
    again = keyed_id(api.secret, "web", key, json.dumps(sent, sort_keys=True))
    reference = f"{sent['agency_reference']}-{again[-6:].upper()}"
    whole = {**sent, "agency_reference": reference}
    return await api.post("referral", "/v1/referrals", whole, key=again)
