"""The kinds of values that settings have, each with its check. A check raises ValueError with what the value should be."""

import re
from base64 import b64decode
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, StringConstraints, ValidationInfo
from pydantic_settings import NoDecode

from bus.mailbox import is_mailbox
from bus.networks import Network

_FEWEST_DISCLOSURE_DAYS: Final = 365
_WEBHOOK: Final = re.compile(r"https?://[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?(:(?P<port>[0-9]{1,5}))?([/?][!\"$-~]*)?")
"""An address with a name or an IPv4 address, and without user, password and fragment."""
_LEAST_SECRET_BYTES: Final = 24
"""Standard Webhooks asks for 24 to 64 bytes."""


def _split_commas(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _check_public_url(value: str) -> str:
    """The address without a slash at its end, since clients compare the issuer letter by letter."""
    rule = "should be an http or https address without query, such as https://bus.lamongan.go.id"
    if not value:
        return value
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(rule) from None
    is_plain = value.isascii() and value.isprintable() and not set(value) & set(' "<>\\^`{|}')
    if not (is_plain and parts.scheme in ("http", "https") and host) or "@" in parts.netloc or set("?#") & set(value):
        raise ValueError(rule)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _check_provider(value: str) -> str:
    """The issuer letter by letter, since its tokens name it so. Only on this machine it may be plain http."""
    if not value:
        return value
    host = urlsplit(_check_public_url(value)).hostname
    if not value.startswith("https://") and host not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("should be an https address, such as https://masuk.lamongan.go.id/realms/pegawai")
    return value


def check_provider_client(value: str, info: ValidationInfo) -> str:
    """The client's id. It is needed with an identity provider."""
    if info.data.get("oidc_issuer") and not value:
        raise ValueError("should be the bus's client at the identity provider, since BUS_OIDC_ISSUER is set")
    return value


def check_disclosure_days(value: int) -> int:
    """The days, if they are 0 or enough for an audit."""
    if 0 < value < _FEWEST_DISCLOSURE_DAYS:
        raise ValueError(f"is 0 (for good) or at least {_FEWEST_DISCLOSURE_DAYS}")
    return value


def _check_origin(value: str) -> str:
    """The origin as browsers write it (RFC 6454, section 6.2)."""
    try:
        address = _check_public_url(value)
        port = urlsplit(address).port
    except ValueError:
        address, port = "", None
    scheme, _, place = address.partition("://")
    is_usual = port == {"http": 80, "https": 443}.get(scheme)
    if not address or "/" in place or is_usual or value != value.rstrip("/"):
        raise ValueError("should be an origin without path and without the usual port, such as https://data.example")
    return address


def _check_mailbox(value: str) -> str:
    if not is_mailbox(value):
        raise ValueError("should be mail addresses such as bus@lamongan.go.id")
    return value


def check_smtp_password(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """The password, if it is not sent in the open."""
    if value.get_secret_value() and info.data.get("smtp_security") == "none":
        raise ValueError("would be sent in the open; set BUS_SMTP_SECURITY to starttls or tls")
    return value


def check_sender(value: str, info: ValidationInfo) -> str:
    """The address that notices come from. It is needed with a mail server."""
    if info.data.get("smtp_host") and not is_mailbox(value):
        raise ValueError("should be the mail address that notices come from, since BUS_SMTP_HOST is set")
    return value


def check_receivers(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """The addresses that get notices. They need a mail server."""
    if value and not info.data.get("smtp_host"):
        raise ValueError("needs BUS_SMTP_HOST, the mail server that takes the messages")
    return value


def check_signing_secret(value: SecretStr) -> SecretStr:
    """The secret, as Standard Webhooks writes it."""
    secret = value.get_secret_value()
    try:
        is_key = not secret or len(b64decode(secret.removeprefix("whsec_"), validate=True)) >= _LEAST_SECRET_BYTES
    except ValueError:
        is_key = False
    if not is_key:
        raise ValueError(f"should be whsec_ and at least {_LEAST_SECRET_BYTES} random bytes in base64")
    return value


def check_notice_webhook(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """The address that gets notices. It needs a secret."""
    address = value.get_secret_value()
    if not address:
        return value
    form = _WEBHOOK.fullmatch(address)
    if not form or int(form["port"] or 1) not in range(1, 65_536):
        raise ValueError("should be an http or https address without user and password")
    secret = info.data.get("notice_webhook_secret")
    if secret is not None and not secret.get_secret_value():
        raise ValueError("needs BUS_NOTICE_WEBHOOK_SECRET, which signs what is posted")
    return value


Mailboxes = Annotated[
    tuple[Annotated[str, AfterValidator(_check_mailbox)], ...], NoDecode, BeforeValidator(_split_commas)
]
PublicUrl = Annotated[str, AfterValidator(_check_public_url)]
ProviderAddress = Annotated[str, AfterValidator(_check_provider)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split_commas)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_check_origin)], ...], NoDecode, BeforeValidator(_split_commas)]
HostPattern = Annotated[
    str, StringConstraints(to_lower=True, pattern=r"^(\*\.)?[a-zA-Z0-9_][a-zA-Z0-9_-]*(\.[a-zA-Z0-9_][a-zA-Z0-9_-]*)*$")
]
HostPatterns = Annotated[tuple[HostPattern, ...], NoDecode, BeforeValidator(_split_commas)]
