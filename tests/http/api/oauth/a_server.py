"""A server of the OAuth endpoints, and what its clients send."""

import time
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from bus.identity.participants import Participants
from bus.identity.tokens import Tokens
from bus.storage import Storage
from tests.an_actor import OPERATOR

ISSUER = "https://bus.lamongan.example"


ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Bus:
    """A bus that serves its OAuth endpoints alone, and a client of it."""

    app: FastAPI
    participants: Participants
    tokens: Tokens
    storage: Storage
    client_id: str
    secret: str

    def a_client(self, *scopes: str, key: Any = None, jwks: Any = None) -> tuple[str, str]:
        jwks = jwks if key is None else {"keys": [key.as_dict(private=False)]}
        client, secret = self.participants.add_client("bapenda", scopes or ("events.read",), jwks, by=OPERATOR)
        return client.client_id, secret or ""


def credentials(bus: Bus, **fields: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "client_id": bus.client_id, "client_secret": bus.secret}
    return form | fields


def an_assertion(key: Any, client_id: str, header: dict[str, Any] | None = None, **changed: Any) -> dict[str, str]:
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "exp": now + 60, "iat": now, "jti": "a"} | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    if header is None:
        header = {"alg": "ES256" if isinstance(key, ECKey) else "EdDSA", "kid": key.thumbprint()}
    signed = jwt.encode(header, claims, key, registry=AnyHeader(algorithms=[header["alg"]], strict_check_header=False))
    return {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": signed}


class AnyHeader(JWSRegistry):
    max_header_length = 10_000


async def a_token(http: httpx.AsyncClient, bus: Bus) -> str:
    token: str = (await http.post("/oauth/token", data=credentials(bus))).json()["access_token"]
    return token


ALGORITHMS: dict[str, Any] = {
    "EdDSA": OKPKey.generate_key("Ed25519"),
    "Ed25519": OKPKey.generate_key("Ed25519"),
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "RS256": RSAKey.generate_key(2048),
    "PS256": RSAKey.generate_key(2048),
}
