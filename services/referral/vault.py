"""Personal data at rest: each field encrypted with the referral's own key, lookups by keyed hash.

MongoDB's explicit client-side field level encryption (works on the Community server): the data
key of a referral lives in the `vault` collection, wrapped by the master key, which is never in
the database. Destroying the data key makes every copy of the fields unreadable.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.asynchronous.encryption import AsyncClientEncryption
from pymongo.encryption_shared import Algorithm
from pymongo.errors import EncryptionError

from shared.store import Database

KEYS = "vault"
# A destroyed key must stop working soon: the library would keep it for a minute.
KEY_CACHE_MS = 1000


class Vault:
    """`master_key` is 96 bytes, `pepper` at least 32; both are secrets of this service alone."""

    def __init__(self, database: Database, master_key: bytes, pepper: bytes) -> None:
        if len(master_key) != 96 or len(pepper) < 32:
            raise ValueError("the master key must have 96 bytes, the pepper at least 32")
        self._keys = database[KEYS]
        self._pepper = pepper
        client: AsyncMongoClient[dict[str, object]] = database.client
        self._encryption: AsyncClientEncryption[dict[str, object]] = AsyncClientEncryption(
            {"local": {"key": master_key}},
            f"{database.name}.{KEYS}",
            client,
            CodecOptions(),
            key_expiration_ms=KEY_CACHE_MS,
        )

    async def prepare(self) -> None:
        """The index that makes a second key for one referral impossible."""
        await self._keys.create_index(
            "keyAltNames", unique=True, partialFilterExpression={"keyAltNames": {"$exists": True}}
        )

    async def seal(self, referral_id: str, fields: Mapping[str, str]) -> dict[str, bytes]:
        """Encrypt each field with the referral's key, made at its first use.

        A crash after this leaves a key that nothing uses; the retry of the request finds it.
        """
        if await self._keys.find_one({"keyAltNames": referral_id}, {"_id": 1}) is None:
            try:
                await self._encryption.create_data_key("local", key_alt_names=[referral_id])
            except EncryptionError:
                # Made by a request that ran beside this one; if not, encrypting fails below.
                if await self._keys.find_one({"keyAltNames": referral_id}, {"_id": 1}) is None:
                    raise
        return {
            name: bytes(
                await self._encryption.encrypt(
                    value,
                    Algorithm.AEAD_AES_256_CBC_HMAC_SHA_512_Random,
                    key_alt_name=referral_id,
                )
            )
            for name, value in fields.items()
        }

    def fingerprint(self, kind: str, *parts: str) -> str:
        """A keyed hash (HMAC-SHA-256) of normalised parts: equal for equal values, else opaque.

        Keyed, because an NHS number has ten digits: an unkeyed hash could simply be tried out.
        """
        mac = hmac.new(self._pepper, kind.encode(), hashlib.sha256)
        for part in parts:
            raw = " ".join(unicodedata.normalize("NFKC", part).casefold().split()).encode()
            mac.update(len(raw).to_bytes(4, "big") + raw)
        return mac.hexdigest()

    async def close(self) -> None:
        """Forget the keys."""
        await self._encryption.close()
