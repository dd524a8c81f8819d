"""Forms: reads what a browser sent, and refuses a form that another site had it send.

Each form carries a token that is bound to the browser's session (OWASP: Cross-Site Request Forgery Prevention). A page masks the
token anew each time, so that nobody learns it from the lengths of compressed pages (BREACH).
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from bus.problem import Forbidden, Invalid

FIELD: Final = "token"
_CONTEXT: Final = b"bus console form\0"
_BYTES: Final = 32
_MOST_FIELDS: Final = 300
_FORM: Final = "application/x-www-form-urlencoded"


class FormNotYours(Forbidden):
    """This form is not from your session; load the page again, and send the form once more."""

    slug = "form-not-yours"
    # Another site caused it, not the member.
    lacks_authority = False


class FormUnreadable(Invalid):
    """The form cannot be read; load the page again."""

    slug = "form-unreadable"


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form; of several equal names the last one counts.

    Raises:
        FormUnreadable: the body is no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if body and kind != _FORM:
        raise FormUnreadable("The body is no form.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise FormUnreadable("The form has too many fields, or is no text in UTF-8.") from None


def make_token(bound: str) -> str:
    """A token for a form, bound to the value of a cookie."""
    pad = secrets.token_bytes(_BYTES)
    return urlsafe_b64encode(pad + _mask(_derive(bound), pad)).decode()


def check_token(form: Mapping[str, str], bound: str) -> None:
    """Refuse a form without the token that is bound to the browser's cookie.

    Raises:
        FormNotYours: see the class.
    """
    try:
        sent = urlsafe_b64decode(form.get(FIELD, ""))
    except ValueError:
        sent = b""
    shown = _mask(sent[:_BYTES], sent[_BYTES:])
    if not bound or len(sent) != 2 * _BYTES or not hmac.compare_digest(shown, _derive(bound)):
        raise FormNotYours("The form has no token of this session.")


def _derive(bound: str) -> bytes:
    return sha256(_CONTEXT + bound.encode()).digest()


def _mask(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))
