"""What an agency may do in a Hub and Spoke referral network, as methods.

    network = Client("https://hub.example", SignedTokens(TOKEN_URL, CLIENT_ID, "client.pem"))
    receipt = network.post_referral(referral, idempotency_key="SCH-0001").body

`docs/agencies.md` of the network says the rest.
"""

from hub_and_spoke_client.connection import Answer, Away, Problem
from hub_and_spoke_client.operations import Client
from hub_and_spoke_client.tokens import SignedTokens
from hub_and_spoke_client.webhooks import is_signed

__all__ = ["Answer", "Away", "Client", "Problem", "SignedTokens", "is_signed"]
