"""An authenticator in software: it makes passkeys and signs with them, as a phone does (WebAuthn Level 3, section 6)."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN: Final = "https://bus.example"
_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One passkey's device.

    Attributes:
        origin: the site that its browser shows.
        count: how often it signed; 0 for good, as of passkeys that a cloud keeps.
        verifies: whether it asks its owner for a finger or a PIN.
    """

    origin: str = ORIGIN
    count: int = 0
    counts: bool = True
    verifies: bool = True
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, asked: str, **changes: Any) -> str:
        """What the browser says after it made a passkey. `changes` are of the client data."""
        options = json.loads(asked)
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(public)
        data = self._write_data(options["rp"]["id"], _ATTESTED) + attested
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._write_client("webauthn.create", options["challenge"], changes)
        return self._answer(clientDataJSON=client, attestationObject=made)

    def sign(self, asked: str, **changes: Any) -> str:
        """What the browser says after it used the passkey. `changes` are of the client data."""
        options = json.loads(asked)
        self.count += self.counts
        data = self._write_data(options["rpId"], 0)
        client = self._write_client("webauthn.get", options["challenge"], changes)
        signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _write_data(self, party: str, more: int) -> bytes:
        flags = _PRESENT | (_VERIFIED if self.verifies else 0) | more
        return sha256(party.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _write_client(self, kind: str, challenge: str, changes: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False} | changes
        return json.dumps(told).encode()

    def _answer(self, **response: bytes) -> str:
        named = {name: encode(value) for name, value in response.items()}
        return json.dumps({"id": encode(self.id), "rawId": encode(self.id), "type": "public-key", "response": named})


def encode(value: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(value).decode().rstrip("=")


def decode(text: str) -> bytes:
    """The bytes of base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
