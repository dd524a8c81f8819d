"""A signature over named parts of a request, by HMAC or by a plain digest (as OSS-RBA asks)."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime

from bus.clock import WIB
from bus.declared.document import Signature, SignedPart
from bus.declared.draft import Draft
from bus.declared.vault import Vault
from bus.kit import AgencyFault, Failure


def add_signature(draft: Draft, told: Signature, vault: Vault, now: Callable[[], datetime]) -> Draft:
    """The draft with its signature, and with the moment that was signed if the agency wants to know it.

    Raises:
        AgencyFault: the operator did not bind a secret to the host; permanent: the request lacks a value that is signed.
    """
    at = now().astimezone(WIB)
    text = told.separator.join(_write_part(part, draft, vault, at) for part in told.parts)
    signature = _compute(told, text.encode(), vault, draft.host)
    written = signature.hex() if told.encoding == "hex" else b64encode(signature).decode()
    signed = draft.add_header(told.header, f"{told.scheme} {written}".strip())
    moment = next((part.time for part in told.parts if part.time is not None), None)
    if told.time_header is None or moment is None:
        return signed
    return signed.add_header(told.time_header, _write_time(moment, at))


def _compute(told: Signature, text: bytes, vault: Vault, host: str) -> bytes:
    kind, _, digest = told.algorithm.rpartition("-")
    if kind != "hmac":
        # The agency decides on the algorithm.
        return hashlib.new(digest, text, usedforsecurity=False).digest()
    key = vault.reveal(told.key or "", host)
    return hmac.new(key.encode(), text, digest).digest()


def _write_part(part: SignedPart, draft: Draft, vault: Vault, at: datetime) -> str:
    if part.secret is not None:
        return vault.reveal(part.secret, draft.host)
    if part.value is not None:
        if part.value not in draft.values:
            raise AgencyFault(Failure.PERMANENT, f"the request has no value {part.value} to sign")
        return draft.values[part.value]
    if part.time is not None:
        return _write_time(part.time, at)
    if part.request is not None:
        return _write_request_part(part.request, draft)
    return part.text or ""


def _write_request_part(name: str, draft: Draft) -> str:
    match name:
        case "method":
            return draft.method
        case "path":
            return draft.path
        case "query":
            return draft.query_string
        case "body_sha256":
            return hashlib.sha256(draft.body).hexdigest()
        case _:
            return draft.body.decode()


def _write_time(form: str, at: datetime) -> str:
    return str(int(at.timestamp())) if form == "epoch" else at.strftime(form)
