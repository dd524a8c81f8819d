"""The settings of an adapter."""

import re

from pydantic import BaseModel, Field, SecretStr, field_validator

_PROXY = re.compile(r"https?://([^\s/@]+@)?[^\s/@:]+(:\d{1,5})?/?", re.ASCII)


class AdapterSettings(BaseModel):
    """The settings that all adapters share. An adapter adds the agency's own settings in a subclass.

    The operator sets each as `BUS_ADAPTERS__<AGENCY>__<FIELD>`.
    """

    model_config = {"frozen": True, "extra": "forbid"}

    base_url: str
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
    owner: str = ""
    """The participant that decides which contracts may use the adapter; empty: the operator decides."""

    @field_validator("proxy")
    @classmethod
    def _is_address(cls, proxy: SecretStr | None) -> SecretStr | None:
        if proxy is not None and not _PROXY.fullmatch(proxy.get_secret_value()):
            raise ValueError(
                "must be http://host:port or https://host:port, with user:password@ before the host if the proxy needs them"
            )
        return proxy
