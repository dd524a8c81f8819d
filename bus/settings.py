"""The declaration of every setting: name, type, default and meaning.

Settings come from variables `BUS_*`, or from files of the same names. The settings of adapters stay unchecked here. An
adapter's own model checks them when `bus.agencies` makes the adapter.
"""

import ipaddress
import os
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from bus.limits import Policy, Rate, RateText
from bus.problem import Refused
from bus.setting_kinds import (
    HostPatterns,
    Mailboxes,
    Networks,
    Origins,
    ProviderAddress,
    PublicUrl,
    check_disclosure_days,
    check_notice_webhook,
    check_provider_client,
    check_receivers,
    check_sender,
    check_signing_secret,
    check_smtp_password,
)
from bus.texts import is_blank

M = TypeVar("M", bound=BaseModel)

EMBEDDED: Final = "memory:"
"""The beginning of a broker URL with which no run leaves its process."""
_MEBIBYTE = 1024 * 1024
_FOLDER: Final = "BUS_SECRETS_DIR"
NOTEBOOK: Final = "dev.json"
"""The file in the data folder that marks a bus of `bus dev`."""


class SettingsWrong(Refused):
    """A setting is missing or wrong; correct the settings that the message names."""

    slug = "settings"


def read_adapter_settings(adapter: str, model: type[M], given: Mapping[str, object]) -> M:
    """An adapter's settings, from the operator's values.

    Args:
        adapter: the adapter's name, as `BUS_ADAPTERS__<NAME>__…` has it.
        given: values by the settings' names.

    Raises:
        SettingsWrong: names each setting that is missing or wrong, and holds no value.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise SettingsWrong(
            "; ".join(
                f"BUS_ADAPTERS__{adapter}__{'__'.join(str(part) for part in item['loc'])}".upper() + f": {item['msg']}"
                for item in error.errors(include_input=False)
            )
        ) from None


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(env_prefix="BUS_", env_nested_delimiter="__", extra="ignore", frozen=True)

    data_dir: Path = Field(Path(".bus"), description="folder of keys and, by default, of the database")
    secrets_dir: str = Field(
        "", description="folder with a file for each setting that is a secret, such as bus_database_url; empty: none"
    )
    database_url: str = Field("", description="SQLAlchemy URL; empty: a SQLite file in the data folder")
    database_password: SecretStr = Field(
        SecretStr(""), description="the password for database_url, as it is: no sign in it needs another spelling"
    )
    broker_password: SecretStr = Field(SecretStr(""), description="the password for broker_url, likewise")
    broker_url: str = Field("memory://", description="kombu URL: memory:// or amqp://…")
    broker_prefix: str = Field(
        "bus", description="begins the names of this bus's queues, so that buses can share a broker"
    )
    public_url: PublicUrl = Field(
        "", description="where clients reach the bus, an http or https address; empty: http://127.0.0.1:<port>"
    )
    security_contact: str = Field(
        "",
        pattern=r"^(mailto:[!-~]+@[!-~]+|https://[!-~]+)?$",
        description="where to report a weakness, a mailto: or https: address; stands in /.well-known/security.txt",
    )
    cors_origins: Origins = Field(
        (),
        description="origins whose pages may call the API from a browser, such as https://data.example, comma separated; "
        "empty: none",
    )
    sink_networks: Networks = Field(
        (), description="networks where sinks may be plain http or private, comma separated"
    )
    agency_networks: Networks = Field(
        (),
        description="networks where agencies of adapter documents may be plain http or private, such as a VPN, comma separated",
    )
    sink_hosts: HostPatterns = Field(
        (),
        description="hosts where webhooks may be, such as bapenda.example or *.lamongan.go.id, comma separated; "
        "empty: every host",
    )
    token_seconds: int = Field(600, ge=30, le=3600, description="life of an access token")
    max_event_bytes: int = Field(_MEBIBYTE, ge=1024, description="largest event, envelope included")
    max_batch_bytes: int = Field(16 * _MEBIBYTE, ge=1024, description="largest batch")
    max_batch_events: int = Field(1000, ge=1, description="most events in a batch")
    max_depth: int = Field(64, ge=8, le=250, description="deepest nesting of JSON in an event")
    max_bodies_bytes: int = Field(
        256 * _MEBIBYTE, ge=_MEBIBYTE, description="bytes of request bodies under way, of all participants"
    )
    max_bodies_bytes_each: int = Field(
        64 * _MEBIBYTE, ge=_MEBIBYTE, description="bytes of request bodies under way, of one participant"
    )
    max_connections: int = Field(
        0, ge=0, description="connections at once; 0: as many as the process's limit of files leaves room for"
    )
    max_waiting_readers: int = Field(
        0, ge=0, description="long-polls and streams at once, of all participants; 0: half of the connections"
    )
    max_connections_per_address: int = Field(
        500, ge=1, description="connections at once from one address, or requests of one client behind a trusted proxy"
    )
    trusted_proxies: Networks = Field(
        (), description="networks of proxies whose Forwarded or X-Forwarded-For is believed, comma separated"
    )
    operator_networks: Networks = Field(
        (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")),
        description="networks that may still connect when every connection is in use, comma separated",
    )
    head_seconds: float = Field(10.0, gt=0, description="time for the head of a request")
    body_seconds: float = Field(600.0, gt=0, description="time for the body of a request")
    idle_seconds: float = Field(75.0, gt=0, description="time that a connection may be idle between requests")
    write_seconds: float = Field(
        30.0, gt=0, description="time over which the rate is measured at which a client reads its answer"
    )
    least_rate_bytes: float = Field(
        1024.0, gt=0, description="bytes a second that a client at least sends of a body, or reads of an answer"
    )
    operation_address: str = Field(
        "", description="host:port for /metrics, /docs and /openapi.json alone; empty: where the API is"
    )
    operation_scope: Literal["admin", "audit.read"] | None = Field(
        None, description="scope that /metrics, /docs and /openapi.json ask for: admin or audit.read; absent: none"
    )
    lease_seconds: float = Field(
        60.0, ge=0.5, description="how long a delivery handed to the broker may take before it is handed over again"
    )
    pull_lease_seconds: float = Field(
        60.0,
        ge=1,
        le=43_200,
        description="how long a pull holds its deliveries, unless it says itself",
    )
    retry_first_seconds: float = Field(5.0, gt=0, description="upper bound of the first backoff")
    retry_longest_seconds: float = Field(7200.0, gt=0, description="upper bound of every backoff")
    retry_attempts: int = Field(80, ge=1, description="attempts before a delivery is dead")
    sink_concurrency: int = Field(32, ge=1, description="requests in flight to one sink")
    sink_timeout_seconds: float = Field(15.0, gt=0, description="time-out of one webhook request")
    sink_places: int = Field(
        0, ge=0, description="requests in flight to all sinks of a process; 0: a quarter of the files that it may open"
    )
    heavy_processes: int = Field(
        2, ge=1, le=64, description="worker processes for heavy work, for each process that serves the API"
    )
    heavy_seconds: float = Field(10.0, gt=0, description="processor time of one piece of heavy work")
    heavy_memory_bytes: int = Field(512 * _MEBIBYTE, ge=128 * _MEBIBYTE, description="memory of one worker process")
    keep_deliveries_days: int = Field(0, ge=0, description="days that a settled delivery is kept; 0: for good")
    keep_refusals_days: int = Field(30, ge=21, description="days that counts of refusals are kept")
    keep_disclosures_days: Annotated[int, AfterValidator(check_disclosure_days)] = Field(
        0, ge=0, description="days that a disclosure is kept, at least 365; 0: for good"
    )
    smtp_host: str = Field(
        "", pattern=r"^[A-Za-z0-9.:_-]*$", description="mail server that takes notices; empty: no notices go by mail"
    )
    smtp_port: int = Field(0, ge=0, le=65_535, description="its port; 0: 587, 465 for tls, 25 for none")
    smtp_security: Literal["starttls", "tls", "none"] = Field("starttls", description="starttls, tls or none")
    smtp_user: str = Field("", description="name to log in with; empty: no login")
    smtp_password: Annotated[SecretStr, AfterValidator(check_smtp_password)] = Field(
        SecretStr(""), description="password to log in with"
    )
    notice_from: Annotated[str, AfterValidator(check_sender)] = Field(
        "", validate_default=True, description="mail address that notices come from"
    )
    notice_to: Annotated[Mailboxes, AfterValidator(check_receivers)] = Field(
        (), description="mail addresses of the operator, which get every notice, comma separated"
    )
    notice_webhook_secret: Annotated[SecretStr, AfterValidator(check_signing_secret)] = Field(
        SecretStr(""), description="signs notices to the webhook, whsec_ and at least 24 bytes in base64"
    )
    notice_webhook: Annotated[SecretStr, AfterValidator(check_notice_webhook)] = Field(
        SecretStr(""), description="address that every notice is posted to, http or https; empty: none"
    )
    backup_hours: int = Field(26, ge=0, description="how old the last `bus backup` may be; 0: nobody watches")
    drain_seconds: float = Field(20.0, ge=0, description="bound on an orderly stop")
    limits: Policy = Field(
        Policy.model_validate({}), description="what each participant may do by default: BUS_LIMITS__<LIMIT>"
    )
    wrong_logins: RateText = Field(Rate(10, 60), description="logins that fail, of one client from one address")
    wrong_logins_of_client: RateText = Field(Rate(300, 60), description="logins that fail, of one client")
    wrong_logins_from_address: RateText = Field(Rate(100, 60), description="logins that fail, from one address")
    wrong_sign_ins: RateText = Field(Rate(10, 900), description="sign-ins to the console that fail, of one account")
    staff_link_minutes: int = Field(30, ge=1, le=1440, description="how long a one-time link of `bus staff` works")
    console_idle_minutes: int = Field(30, ge=1, description="time without requests after which a console session ends")
    console_session_hours: int = Field(12, ge=1, description="the longest time of a console session")
    oidc_issuer: ProviderAddress = Field(
        "",
        description="address of the identity provider (OpenID Connect) where staff signs in, https; empty: none",
    )
    oidc_client_id: Annotated[str, AfterValidator(check_provider_client)] = Field(
        "", validate_default=True, description="the bus's client there"
    )
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="its secret; empty: PKCE alone")
    oidc_role_claim: str = Field("peran", min_length=1, description="claim of the ID token that has the role of staff")
    oidc_participant_claim: str = Field(
        "participant",
        min_length=1,
        description="claim that has the participant of a pemilik-aplikasi or pemilik-kontrak",
    )
    console_parts: bool = Field(
        False, description="show /konsol/komponen, every part of the console in each state; `bus dev` sets it"
    )
    anonymous_rate: RateText = Field(
        Rate(200, 4), description="requests without a known token, from one address (IPv6: /64)"
    )
    adapters: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="settings of each adapter: BUS_ADAPTERS__<AGENCY>__<FIELD>"
    )

    @field_validator("*")
    @classmethod
    def _is_no_blank_secret(cls, value: Any) -> Any:
        """An empty secret is none. One of blanks is a slip that protects nothing."""
        text = value.get_secret_value() if isinstance(value, SecretStr) else ""
        if text and is_blank(text):
            raise ValueError("is blank; give the secret, or take the setting away")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources of settings, the strongest first. The library's own source of files cannot read nested settings."""
        folder = os.environ.get(_FOLDER) or None
        return init_settings, env_settings, NestedSecretsSettingsSource(file_secret_settings, secrets_dir=folder)

    def is_from_file(self, name: str) -> bool:
        """Whether the folder of secrets has a file for a setting."""
        return bool(self.secrets_dir) and f"bus_{name}" in map(str.lower, os.listdir(self.secrets_dir))

    @property
    def database(self) -> str:
        """The database's URL. The default is a SQLite file in the data folder."""
        address = self.database_url or f"sqlite:///{self.data_dir / 'bus.db'}"
        return _add_password(address, self.database_password.get_secret_value())

    @property
    def broker(self) -> str:
        """The broker's URL."""
        return _add_password(self.broker_url, self.broker_password.get_secret_value())


def _add_password(address: str, password: str) -> str:
    """An address with a password that stands in a setting of its own. There `/`, `#` and `@` stand for themselves."""
    if not password:
        return address
    parts = urlsplit(address)
    user, at, place = parts.netloc.rpartition("@")
    if not at:
        return address
    return parts._replace(netloc=f"{user.partition(':')[0]}:{quote(password, safe='')}@{place}").geturl()


def load_settings(**given: Any) -> Settings:
    """The settings from files and the environment.

    Args:
        given: values from the command line, which win. None: the command line gave no value.

    Raises:
        SettingsWrong: the detail names each wrong variable and says what it should be.
    """
    folder = os.environ.get(_FOLDER, "")
    try:
        if folder:
            # The library ignores a folder that it cannot read.
            os.listdir(folder)
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except OSError as error:
        raise SettingsWrong(f"{_FOLDER}: cannot read {error.filename}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsWrong(f"{_FOLDER}: a file in {folder} is no text in UTF-8") from None
    except SettingsError as error:
        raise SettingsWrong(f"{_FOLDER} or the environment: {error}") from None
    except ValidationError as error:
        raise SettingsWrong(
            "; ".join(f"{_name_variable(item['loc'])}: {item['msg']}" for item in error.errors())
        ) from None


def _name_variable(location: Sequence[str | int]) -> str:
    """The variable that holds a place in the settings. A number in the location is an index within the variable."""
    names = takewhile(lambda part: isinstance(part, str), location)
    return f"BUS_{'__'.join(str(name) for name in names)}".upper()
