"""Every setting, once: read from `BUS_*`, typed, with defaults and what each means.

Adapters' settings are kept here as they came; the adapter's own model checks them when it is made (`bus.agencies`).
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bus.problem import Refused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MEBIBYTE = 1024 * 1024


class SettingsWrong(Refused):
    """A setting is missing or wrong; the message names it and what it should be."""

    slug = "settings"


def _comma_separated(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(env_prefix="BUS_", env_nested_delimiter="__", extra="ignore", frozen=True)

    data_dir: Path = Field(Path(".bus"), description="folder of keys and, by default, of the database")
    database_url: str = Field("", description="SQLAlchemy URL; empty: a SQLite file in the data folder")
    broker_url: str = Field("memory://", description="kombu URL: memory:// or amqp://…")
    broker_prefix: str = Field(
        "bus", description="begins the names of this bus's queues, so that buses can share a broker"
    )
    public_url: str = Field("", description="where clients reach the bus; empty: http://127.0.0.1:<port>")
    sink_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_comma_separated)] = Field(
        (), description="networks where sinks may be plain http or private, comma separated"
    )
    token_seconds: int = Field(600, ge=30, le=3600, description="life of an access token")
    max_event_bytes: int = Field(_MEBIBYTE, ge=1024, description="largest event, envelope included")
    max_batch_bytes: int = Field(16 * _MEBIBYTE, ge=1024, description="largest batch")
    max_batch_events: int = Field(1000, ge=1, description="most events in a batch")
    max_depth: int = Field(64, ge=8, le=250, description="deepest nesting of JSON in an event")
    lease_seconds: float = Field(
        60.0, ge=0.5, description="how long a delivery handed to the broker may take before it is handed over again"
    )
    retry_first_seconds: float = Field(5.0, gt=0, description="upper bound of the first backoff")
    retry_longest_seconds: float = Field(7200.0, gt=0, description="upper bound of every backoff")
    retry_attempts: int = Field(80, ge=1, description="attempts before a delivery is dead")
    sink_concurrency: int = Field(32, ge=1, description="requests in flight to one sink")
    sink_timeout_seconds: float = Field(15.0, gt=0, description="time-out of one webhook request")
    heavy_processes: int = Field(
        2, ge=1, le=64, description="worker processes for heavy work, for each process that serves the API"
    )
    heavy_seconds: float = Field(10.0, gt=0, description="processor time of one piece of heavy work")
    heavy_memory_bytes: int = Field(512 * _MEBIBYTE, ge=128 * _MEBIBYTE, description="memory of one worker process")
    drain_seconds: float = Field(20.0, ge=0, description="bound on an orderly stop")
    adapters: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="settings of each adapter: BUS_ADAPTERS__<AGENCY>__<FIELD>"
    )

    @property
    def database(self) -> str:
        """The database's URL, the default resolved."""
        return self.database_url or f"sqlite:///{self.data_dir / 'bus.db'}"


def load_settings(**given: Any) -> Settings:
    """The settings from the environment, overridden by what the command line gave (None: not given).

    Raises:
        SettingsWrong: names each wrong variable and what it should be.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = "; ".join(
            f"BUS_{'__'.join(str(part) for part in item['loc'][:1]).upper()}: {item['msg']}" for item in error.errors()
        )
        raise SettingsWrong(wrong) from None
