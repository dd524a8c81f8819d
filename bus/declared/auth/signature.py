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
    key = vault.reveal(told.key, draft.host) if told.key else ""
    written = compute_signature(told, text.encode(), key)
    signed = draft.add_header(told.header, f"{told.scheme} {written}".strip())
    moment = next((part.time for part in told.parts if part.time is not None), None)
    if told.time_header is None or moment is None:
        return signed
    return signed.add_header(told.time_header, write_time(moment, at))


def compute_signature(told: Signature, text: bytes, key: str) -> str:
    """The signature of a text, written as the document says. A plain digest needs no key."""
    kind, _, digest = told.algorithm.rpartition("-")
    if kind == "hmac":
        signature = hmac.new(key.encode(), text, digest).digest()
    else:
        # The agency decides on the algorithm.
        signature = hashlib.new(digest, text, usedforsecurity=False).digest()
    return signature.hex() if told.encoding == "hex" else b64encode(signature).decode()


def _write_part(part: SignedPart, draft: Draft, vault: Vault, at: datetime) -> str:
    if part.secret is not None:
        return vault.reveal(part.secret, draft.host)
    if part.value is not None:
        if part.value not in draft.values:
            raise AgencyFault(Failure.PERMANENT, f"the request has no value {part.value} to sign")
        return draft.values[part.value]
    if part.time is not None:
        return write_time(part.time, at)
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


def write_time(form: str, at: datetime) -> str:
    """A moment as it is signed: seconds since 1970, or as strftime writes it."""
    return str(int(at.timestamp())) if form == "epoch" else at.strftime(form)
