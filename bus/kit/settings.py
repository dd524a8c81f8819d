"""The settings of an adapter."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr, field_validator, model_validator

from bus.texts import is_blank

_ADDRESS = re.compile(r"https?://[^\s/?#\\]+(/(%[0-9A-F]{2}|[A-Z0-9._~!$&'()*+,;=:@/-])*)?", re.ASCII | re.IGNORECASE)
_DOTS = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)
_PROXY = re.compile(r"https?://([^\s/@]+@)?[^\s/@:]+(:\d{1,5})?/?", re.ASCII)


def _check_address(address: str) -> str:
    """The operator's address, to which paths are added. The HTTP client must send it byte for byte as it is written.

    Raises:
        ValueError: it has a query or fragment, dot segments, or characters that a URL has percent-encoded (RFC 3986).
    """
    if not _ADDRESS.fullmatch(address) or _DOTS.search(address):
        raise ValueError(
            "must be https://host or https://host/path, without query, `.` and `..`; write other characters as % and two "
            "hexadecimal digits"
        )
    return address


def _split_parts(value: Any) -> Any:
    """The mapping that a text such as `bapenda:2000,dinkes:3000` says."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition(":") for part in value.split(",") if part.strip()]
    return {name.strip(): number.strip() for name, _, number in pairs}


BaseUrl = Annotated[str, AfterValidator(_check_address)]
"""The address of an agency's API in an adapter's settings."""


class AdapterSettings(BaseModel):
    """The settings that all adapters share. An adapter adds the agency's own settings in a subclass.

    The operator sets each as `BUS_ADAPTERS__<AGENCY>__<FIELD>`.
    """

    model_config = {"frozen": True, "extra": "forbid"}

    base_url: BaseUrl
    timeout_seconds: float = 15.0
    proxy: SecretStr | None = None
    """Address of the proxy to the agency, `http://[user:password@]host:port`. Adapters ignore `HTTP_PROXY`."""
    poll_seconds: float | None = None
    """Seconds between polls; None: the interval of each operation."""
    deletions_share: float = Field(0.1, ge=0, le=1)
    """The share of a list's rows that may be gone at once. A poll holds more deletions back, if they also exceed
    `deletions_rows`."""
    deletions_rows: int = Field(10, ge=0)
    """The number of a list's rows that may be gone at once, however short the list is."""
    daily_quota: int | None = Field(default=None, ge=0)
    """Calls that the agreement allows in a day, all query operations together; None: the agency counts no calls."""
    quota_parts: Annotated[Mapping[str, Annotated[int, Field(ge=0)]], BeforeValidator(_split_parts)] = Field({})
    """Participants that have a part of the quota of their own, such as `bapenda:2000,dinkes:3000`. All others share the rest."""
    owner: str = ""
    """The participant that decides which contracts may use the adapter; empty: the operator decides."""

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if self.quota_parts and sum(self.quota_parts.values()) > (self.daily_quota or 0):
            raise ValueError("quota_parts must be at most daily_quota together")
        return self

    @field_validator("*")
    @classmethod
    def _is_no_blank_secret(cls, value: Any) -> Any:
        if isinstance(value, SecretStr) and is_blank(value.get_secret_value()):
            raise ValueError("is blank, and everybody knows a blank secret; give the secret, or take the setting away")
        return value

    @field_validator("proxy")
    @classmethod
    def _is_address(cls, proxy: SecretStr | None) -> SecretStr | None:
        if proxy is not None and not _PROXY.fullmatch(proxy.get_secret_value()):
            raise ValueError(
                "must be http://host:port or https://host:port, with user:password@ before the host if the proxy needs them"
            )
        return proxy
