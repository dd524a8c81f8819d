"""Signatures of JWTs: the algorithms that the bus takes, and which of a signer's keys verifies a JWT.

No header can make the bus take `none` or a symmetric algorithm.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from bus import json

ALGORITHMS: Final = ("EdDSA", "Ed25519", "ES256", "ES384", "RS256", "PS256")
"""The names of the algorithms, for metadata documents. `Ed25519` is the name of RFC 9864 for `EdDSA` with that curve."""

KEYS_TAKEN: Final = "Ed25519, P-256, P-384, and RSA of 2048 to 4096 bits"

_OF_CURVE: Final = {"Ed25519": ("EdDSA", "Ed25519"), "P-256": ("ES256",), "P-384": ("ES384",)}
_EC: Final = {"ES256": "P-256", "ES384": "P-384"}
_OF_RSA: Final = ("RS256", "PS256")
_OWN: Final = frozenset({"alg", "use", "key_ops", "nbf"})
"""Members of a JWK that are read here, and not by the library."""
_NEW_RSA_BITS: Final = 3072
"""128 bits of strength (NIST SP 800-57), as the other algorithms have."""
_RSA_BITS: Final = range(2048, 4097)
"""NIST SP 800-131A asks for 2048 at least. The bound above keeps a check short."""
_RSA_EXPONENTS: Final = range(65537, 2**32)
"""FIPS 186-5, A.1.1, begins there. The bound above keeps a check short."""


class KeyUnusable(Exception):
    """A JWK that the bus cannot verify signatures with; the message says why."""


def _silence_warning(name: str) -> Any:
    # RFC 9864 renames EdDSA with Ed25519 to "Ed25519". Few libraries know the new name, and joserfc warns at each use.
    algorithm = copy.copy(JWSRegistry.algorithms[name])
    algorithm.security_warning = None
    return algorithm


class Signatures(JWSRegistry):
    """The library's registry with these algorithms alone."""

    algorithms = {name: _silence_warning(name) for name in ALGORITHMS}  # noqa: RUF012
    recommended = list(ALGORITHMS)  # noqa: RUF012
    max_header_length = 4096

    def __init__(self) -> None:
        # Header parameters that a reader does not know are ignored (RFC 7515, section 4); those in `crit` are not.
        super().__init__(strict_check_header=False)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key of a signer.

    Attributes:
        key: the key.
        kid: its name in the signer's key set; None if it has no name.
        algorithms: those that may be used with it.
    """

    key: Key
    kid: str | None
    algorithms: Sequence[str]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that the bus signs with.

    Attributes:
        jwk: the private key, as it is stored.
        key: the private key.
        public: its public half.
        algorithm: the one that it signs with.
        begins: when it begins to sign, in seconds since 1970 in UTC.
    """

    jwk: Mapping[str, Any] = field(repr=False)
    key: Key = field(repr=False)
    public: VerificationKey
    algorithm: str
    begins: float

    @property
    def kid(self) -> str:
        """Its name."""
        return str(self.public.kid)

    def sign(self, kind: str, claims: Mapping[str, Any]) -> str:
        """A signed JWT with these claims. Its header's `typ` is `kind`."""
        header = {"alg": self.algorithm, "typ": kind, "kid": self.kid}
        return jwt.encode(header, dict(claims), self.key, registry=Signatures())

    def describe(self) -> dict[str, Any]:
        """Its public half as a JWK (RFC 7517)."""
        public = self.public.key.as_dict(private=False)
        return {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm}


def make_signing_key(algorithm: str, begins: int = 0) -> dict[str, Any]:
    """A new private key as a JWK, with the bus's own member `nbf`: when it begins to sign; absent: at once.

    Args:
        algorithm: one of `ALGORITHMS`.
        begins: seconds since 1970 in UTC.
    """
    key = _generate(algorithm)
    # The kid is the thumbprint (RFC 7638), so that it identifies the key in every process.
    jwk = {**key.as_dict(private=True), "kid": key.thumbprint(), "use": "sig", "alg": algorithm}
    return jwk | ({"nbf": begins} if begins else {})


def _generate(algorithm: str) -> Key:
    if algorithm in _OF_RSA:
        return RSAKey.generate_key(_NEW_RSA_BITS)
    return OKPKey.generate_key("Ed25519") if algorithm in _OF_CURVE["Ed25519"] else ECKey.generate_key(_EC[algorithm])


def read_signing_key(jwk: Mapping[str, Any]) -> SigningKey:
    """The key of a JWK that `make_signing_key` made.

    Raises:
        KeyUnusable, JoseError, ValueError, KeyError, TypeError: it is damaged.
    """
    key = JWKRegistry.import_key({name: value for name, value in jwk.items() if name not in _OWN})
    public = {**key.as_dict(private=False), "kid": jwk["kid"], "alg": jwk["alg"]}
    if not key.is_private:
        raise KeyUnusable("is not private")
    return SigningKey(jwk, key, read_key(public), jwk["alg"], float(jwk.get("nbf", 0)))


def read_key(jwk: Any) -> VerificationKey:
    """The key of a JWK (RFC 7517).

    Raises:
        KeyUnusable: it is private, of another kind, too short, or not for signatures.
    """
    if not isinstance(jwk, Mapping):
        raise KeyUnusable("is no object")
    if not isinstance(jwk.get("kid", ""), str):
        raise KeyUnusable("has a kid that is no text")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise KeyUnusable("is not for signatures: use is sig, and key_ops has verify")
    try:
        # The library knows one name of EdDSA alone, and refuses a key under the other.
        key = JWKRegistry.import_key({name: value for name, value in jwk.items() if name not in _OWN})
    except (JoseError, ValueError, KeyError, TypeError, OverflowError):
        raise KeyUnusable(f"is none of {KEYS_TAKEN}") from None
    if key.is_private:
        raise KeyUnusable("is private; register the public half, and keep this one")
    algorithms = _find_algorithms(key)
    if "alg" in jwk and jwk["alg"] not in algorithms:
        raise KeyUnusable(f"has an alg that does not fit it: {' or '.join(algorithms)}")
    if "alg" in jwk and key.key_type == "RSA":
        algorithms = (jwk["alg"],)
    return VerificationKey(key, jwk.get("kid"), algorithms)


def _find_algorithms(key: Key) -> Sequence[str]:
    """The algorithms of a key.

    Raises:
        KeyUnusable: there is none.
    """
    if isinstance(key, RSAKey):
        numbers = key.public_key.public_numbers()
        if numbers.n.bit_length() not in _RSA_BITS or numbers.e not in _RSA_EXPONENTS:
            raise KeyUnusable("has a modulus or an exponent that is not taken: 2048 to 4096 bits, and 65537 or more")
        return _OF_RSA
    curve = key.curve_name if isinstance(key, ECKey | OKPKey) else ""
    if curve not in _OF_CURVE:
        raise KeyUnusable(f"is none of {KEYS_TAKEN}")
    return _OF_CURVE[curve]


def verify_jwt(token: bytes | str, keys: Iterable[VerificationKey]) -> jwt.Token | None:
    """The header and claims of a JWT that one of `keys` signed, or None. The claims are not checked here."""
    for key in _find_candidates(token, keys):
        try:
            return jwt.decode(token, key, registry=Signatures())
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            # A malformed header, such as `"crit": null` or deeply nested lists, makes joserfc fail with errors of these kinds.
            continue
    return None


def _find_candidates(token: bytes | str, keys: Iterable[VerificationKey]) -> Iterator[Key]:
    """The keys that may have signed a token, by its header. A `kid` chooses; without one every key that fits is tried."""
    header = _read_header(token)
    alg, kid = header.get("alg"), header.get("kid")
    fitting = [key for key in keys if alg in key.algorithms]
    named = [key for key in fitting if key.kid == kid]
    if kid is not None:
        # Libraries name a key by its thumbprint although its set gives it no name.
        fitting = named or [key for key in fitting if key.kid is None]
    return (key.key for key in fitting)


def _read_header(token: bytes | str) -> Mapping[str, Any]:
    """What a JWT's header says, unproven; empty if it cannot be read."""
    text = token.encode("utf-8", "surrogatepass") if isinstance(token, str) else token
    try:
        header = json.loads(urlsafe_b64decode(text.partition(b".")[0][: Signatures.max_header_length]))
    except ValueError:
        return {}
    return header if isinstance(header, dict) else {}
