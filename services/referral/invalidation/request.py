"""What is said of a mistake."""

from services.referral.documents import Incoming
from shared.events.codes import InvalidationReason


class InvalidationEntry(Incoming):
    """Why a consent was recorded by mistake."""

    reason: InvalidationReason
