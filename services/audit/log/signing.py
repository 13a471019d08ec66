"""The private half of a key that signs notes. Pure."""

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.log.notes import LINE, BadKey, VerifierKey, decoded, is_name


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 key and the name it signs under. Its seed never shows in a repr."""

    name: str
    private: Ed25519PrivateKey

    @classmethod
    def parse(cls, text: str) -> "SigningKey":
        """Read `name+seed`, the seed being 32 bytes in base64. Raises `BadKey`."""
        name, _, seed = text.strip().partition("+")
        raw = decoded(seed)
        if not is_name(name) or raw is None or len(raw) != 32:
            raise BadKey("not of the form name+seed with 32 bytes in base64")
        return cls(name, Ed25519PrivateKey.from_private_bytes(raw))

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw())

    def line(self, text: str) -> str:
        """This key's signature line for a note's text."""
        raw = self.verifier.key_id + self.private.sign(text.encode())
        return f"{LINE}{self.name} {base64.b64encode(raw).decode()}\n"

    def __repr__(self) -> str:
        return f"SigningKey({self.verifier})"
