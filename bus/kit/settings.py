"""The settings of an adapter."""

import re

from pydantic import BaseModel, SecretStr, field_validator

_PROXY = re.compile(r"https?://([^\s/@]+@)?[^\s/@:]+(:\d{1,5})?/?", re.ASCII)


class AdapterSettings(BaseModel):
    """What every adapter's settings have; each adapter subclasses it with the agency's own.

    Set as `BUS_ADAPTERS__<AGENCY>__<FIELD>`.
    """

    model_config = {"frozen": True, "extra": "forbid"}

    base_url: str
    timeout_seconds: float = 15.0
    proxy: SecretStr | None = None
    """Address of the proxy that leads to the agency, `http://[user:password@]host:port`. The environment names none."""
    poll_seconds: float | None = None
    """Overrides the interval of the adapter's polls."""
    owner: str = ""
    """The participant that decides which contracts may use the adapter; empty: the operator alone decides."""

    @field_validator("proxy")
    @classmethod
    def _is_address(cls, proxy: SecretStr | None) -> SecretStr | None:
        if proxy is not None and not _PROXY.fullmatch(proxy.get_secret_value()):
            raise ValueError("must be http://host:port or https://host:port, with user:password@ where the proxy asks")
        return proxy
