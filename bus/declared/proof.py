"""Checks an agency's proof that it sent a push.

Promise: the time of a comparison tells nothing of a secret, and a blank secret proves nothing.
"""

import hmac
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from bus import json
from bus.clock import WIB
from bus.declared.auth import compute_signature, list_secrets, write_time
from bus.declared.document import ApiKey, Basic, Push, Signature, SignedPart
from bus.declared.vault import Vault
from bus.kit import PushRequest

_SKEW: Final = timedelta(minutes=5)
"""How far the agency's clock may be from the bus's. Around midnight two days are right."""
_MINUTE: Final = timedelta(minutes=1)


def verify(told: Push, request: PushRequest, vault: Vault) -> bool | None:
    """Whether the agency sent a request. None: the proof covers the body, which is not read yet."""
    if not vault.has_all(list_secrets(told.verify)):
        return False
    match told.verify:
        case ApiKey() as key:
            given = request.headers.get(key.name.lower()) if key.place == "header" else request.query.get(key.name)
            return _is_same(given, f"{key.scheme} {vault.reveal_here(key.secret)}".strip(), key.scheme)
        case Basic() as basic:
            wanted = f"{vault.reveal_here(basic.user)}:{vault.reveal_here(basic.password)}"
            return _is_same(_read_basic(request.headers.get("authorization", "")), wanted)
        case Signature() as signature:
            return _is_signed(told, signature, request, vault)


def name_moment(told: Push, request: PushRequest, vault: Vault) -> str | None:
    """The moment that a right signature names; None: it names none, or one no finer than a day."""
    if not isinstance(told.verify, Signature) or not vault.has_all(list_secrets(told.verify)):
        return None
    forms = _list_forms(told.verify)
    fits = _find_moments(told, told.verify, request, vault, _read_values(told, request.body or b""))
    if not fits or all(write_time(form, fits[0]) == write_time(form, fits[0] + _MINUTE) for form in forms):
        return None
    return " ".join(["at", *(write_time(form, fits[0]) for form in forms)])


def _is_same(given: str | None, wanted: str, scheme: str = "") -> bool:
    """Whether two texts are the same, in a time that does not tell where they differ. A scheme's case does not count.

    Nothing is the same as an empty text, which everybody can send.
    """
    text = given or ""
    begin, blank, rest = text.partition(" ")
    if scheme and begin.lower() == scheme.lower():
        text = f"{scheme}{blank}{rest}"
    return bool(wanted) and hmac.compare_digest(_encode(text), _encode(wanted))


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _read_basic(field: str) -> str | None:
    """User and password of a header field (RFC 7617); None: it has none."""
    scheme, _, token = field.partition(" ")
    try:
        return b64decode(token, validate=True).decode() if scheme.lower() == "basic" else None
    except ValueError:
        return None


def _is_signed(told: Push, signature: Signature, request: PushRequest, vault: Vault) -> bool | None:
    if request.body is None:
        return None if _covers_body(signature) else bool(_find_moments(told, signature, request, vault, {}))
    return bool(_find_moments(told, signature, request, vault, _read_values(told, request.body)))


def _covers_body(signature: Signature) -> bool:
    return any(one.value is not None or (one.request or "").startswith("body") for one in signature.parts)


def _read_values(told: Push, body: bytes) -> dict[str, str]:
    """The values in the body that are signed; of a body that is no JSON, none."""
    if not told.values:
        return {}
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    found = {name: json.find(document, pointer) for name, pointer in told.values.items()}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _find_moments(
    told: Push, signature: Signature, request: PushRequest, vault: Vault, values: dict[str, str]
) -> list[datetime]:
    """The moments for which the signature is right; empty: it is wrong."""
    given = request.headers.get(signature.header.lower(), "").removeprefix(signature.scheme).strip()
    if signature.encoding == "hex":
        given = given.lower()
    if _may_shift(signature, values):
        return []
    fits = []
    for at in _list_moments(signature, request):
        parts = [_write_part(one, request, vault, values, at) for one in signature.parts]
        if any(part is None for part in parts):
            return []
        text = signature.separator.encode().join(part for part in parts if part is not None)
        key = vault.reveal_here(signature.key) if signature.key else ""
        if _is_same(given, compute_signature(signature, text, key)):
            fits.append(at)
    return fits


def _may_shift(signature: Signature, values: dict[str, str]) -> bool:
    """Whether several values are signed, and one holds the separator: other values would then have the same signature."""
    signed = [values.get(part.value, "") for part in signature.parts if part.value is not None]
    return len(signed) > 1 and any(signature.separator and signature.separator in value for value in signed)


def _list_forms(signature: Signature) -> list[str]:
    return [part.time for part in signature.parts if part.time is not None]


def _list_moments(signature: Signature, request: PushRequest) -> Iterator[datetime]:
    """The moments that the agency may have signed: one that it names, or those around now."""
    forms = _list_forms(signature)
    here = request.at.astimezone(WIB)
    if "epoch" in forms:
        # The document's check asks for the header: nobody can guess the second.
        told = request.headers.get((signature.time_header or "").lower(), "")
        second = int(told) if told.isascii() and told.isdecimal() and len(told) <= 12 else 0
        if abs(second - here.timestamp()) <= _SKEW.total_seconds():
            yield datetime.fromtimestamp(second, WIB)
        return
    around = range(-(_SKEW // _MINUTE), _SKEW // _MINUTE + 1) if forms else (0,)
    moments = (here + minutes * _MINUTE for minutes in around)
    yield from {tuple(write_time(form, at) for form in forms): at for at in moments}.values()


def _write_part(
    part: SignedPart, request: PushRequest, vault: Vault, values: dict[str, str], at: datetime
) -> bytes | None:
    """What is signed of a part; None: the request lacks it."""
    found: Any
    if part.secret is not None:
        found = vault.reveal_here(part.secret)
    elif part.value is not None:
        found = values.get(part.value)
    elif part.time is not None:
        found = write_time(part.time, at)
    elif part.request is not None:
        return _write_request_part(part.request, request)
    else:
        found = part.text or ""
    return None if found is None else _encode(found)


def _write_request_part(name: str, request: PushRequest) -> bytes:
    match name:
        case "method":
            return b"POST"
        case "path":
            return request.path.encode()
        case "query":
            return request.query_string.encode()
        case "body_sha256":
            return sha256(request.body or b"").hexdigest().encode()
        case _:
            return request.body or b""
