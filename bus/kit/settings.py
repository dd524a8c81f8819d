"""The settings of an adapter."""

import re

from pydantic import BaseModel, SecretStr, field_validator

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
