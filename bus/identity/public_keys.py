"""The public keys by which a client proves itself (RFC 7523): registered as a JWK Set, and read again for each check."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NoReturn

from joserfc.jwk import ECKey, OKPKey

from bus import json
from bus.identity.signatures import KEYS_TAKEN, KeyUnusable, VerificationKey, read_key
from bus.problem import FieldError, Invalid

_MOST_KEYS: Final = 16
_LONGEST_KID: Final = 255
_KEPT: Final = ("kty", "crv", "x", "y", "n", "e", "kid", "alg")
"""Members of a JWK that are stored: what else somebody writes into it would only take memory."""


class KeySetRefused(Invalid):
    """A client's key set holds public keys that the bus verifies signatures with, and nothing else."""

    slug = "client-jwks"


def check_key_set(jwks: Mapping[str, Any]) -> str:
    """The JWK Set to store for a client, in JSON.

    Raises:
        KeySetRefused: it is no JWK Set (RFC 7517, section 5), has no or too many keys, or a key is unusable. The errors point
            to each key.
    """
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not keys:
        _refuse("The key set cannot be read (RFC 7517, section 5).", [FieldError("/jwks", "has no list of keys")])
    if len(keys) > _MOST_KEYS:
        _refuse(f"Register at most {_MOST_KEYS} keys.", [FieldError("/jwks/keys", f"has more than {_MOST_KEYS} keys")])
    wrong = []
    for number, jwk in enumerate(keys):
        try:
            kid = read_key(jwk).kid
        except KeyUnusable as error:
            wrong.append(FieldError(f"/jwks/keys/{number}", str(error)))
        else:
            if kid is not None and len(kid) > _LONGEST_KID:
                wrong.append(FieldError(f"/jwks/keys/{number}/kid", f"has more than {_LONGEST_KID} characters"))
    if wrong:
        _refuse(f"Register public keys alone, each one of {KEYS_TAKEN}.", wrong)
    return json.dumps({"keys": [{name: jwk[name] for name in _KEPT if name in jwk} for jwk in keys]}).decode()


def _refuse(detail: str, errors: Sequence[FieldError]) -> NoReturn:
    raise KeySetRefused(detail, errors=errors)


def count_keys(jwks: str | None) -> int:
    """How many keys a client has; see `Credentials.jwks`."""
    return 0 if jwks is None else len(json.loads(jwks)["keys"])


@lru_cache(maxsize=256)
def load_public_keys(jwks: str) -> Sequence[VerificationKey]:
    """The keys of a stored JWK Set. Keys that only an earlier version of the bus took are left out."""
    return tuple(_read_usable(json.loads(jwks)["keys"]))


def _read_usable(keys: Iterable[Any]) -> Iterable[VerificationKey]:
    for jwk in keys:
        try:
            yield read_key(jwk)
        except KeyUnusable:
            continue


def _make_nobodys() -> Sequence[VerificationKey]:
    """A key of each kind, whose private half nobody has."""
    modulus = secrets.randbits(2048) | 1 << 2047 | 1
    numbers = {"n": modulus.to_bytes(256, "big"), "e": (65537).to_bytes(3, "big")}
    rsa = {name: urlsafe_b64encode(number).rstrip(b"=").decode() for name, number in numbers.items()}
    curves = [ECKey.generate_key(curve).as_dict(private=False) for curve in ("P-256", "P-384")]
    edwards = OKPKey.generate_key("Ed25519").as_dict(private=False)
    return tuple(read_key(jwk) for jwk in ({"kty": "RSA", **rsa}, edwards, *curves))


NOBODYS: Final = _make_nobodys()
"""Checks assertions that name an unknown client. So the check takes as long as for a known client."""
