"""Settings: what is wrong stops the start, and is named."""

from pathlib import Path

import pytest
from kombu.connection import Connection
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from bus.cli.workspace import find_settings, keep_settings
from bus.settings import Settings, SettingsWrong, load_settings


def test_hosts_of_sinks_are_a_list_in_lower_case(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BUS_SINK_HOSTS", "Bapenda.example, *.lamongan.go.id")
    assert load_settings().sink_hosts == ("bapenda.example", "*.lamongan.go.id")


@pytest.mark.parametrize("wrong", ["*", "*.", "https://bapenda.example", "bapenda.example/hook", "a.*.example", "a b"])
def test_a_host_of_sinks_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch, wrong: str):
    monkeypatch.setenv("BUS_SINK_HOSTS", wrong)
    with pytest.raises(SettingsWrong, match="BUS_SINK_HOSTS"):
        load_settings()


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("", ""),
        ("https://bus.lamongan.go.id/", "https://bus.lamongan.go.id"),
        ("HTTPS://Bus.Lamongan.go.id", "https://bus.lamongan.go.id"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://[::1]:8443/Bus/", "https://[::1]:8443/Bus"),
    ],
)
def test_a_public_address_is_kept_as_clients_compare_it(monkeypatch: pytest.MonkeyPatch, address: str, kept: str):
    monkeypatch.setenv("BUS_PUBLIC_URL", address)
    assert load_settings().public_url == kept


@pytest.mark.parametrize(
    "wrong",
    [
        "bus.lamongan.go.id",
        "ftp://bus.lamongan.go.id",
        "https:///v1",
        "https://",
        "//bus.lamongan.go.id",
        "javascript:alert(1)",
        "https://bus.lamongan.go.id:port",
        "https://bus.lamongan.go.id:99999",
        "https://user:rahasia@bus.lamongan.go.id",
        "https://bus.lamongan.go.id?a=b",
        "https://bus.lamongan.go.id/?",
        "https://bus.lamongan.go.id/#a",
        "https://bus lamongan",
        'https://bus.lamongan.go.id/"a',
        "https://[::1",
        "https://büs.example",
    ],
)
def test_a_public_address_that_no_client_can_use_stops_the_start(monkeypatch: pytest.MonkeyPatch, wrong: str):
    monkeypatch.setenv("BUS_PUBLIC_URL", wrong)
    with pytest.raises(SettingsWrong, match=r"BUS_PUBLIC_URL: .*should be an http or https address") as refused:
        load_settings()
    assert "rahasia" not in refused.value.detail


NOTICES = {
    "SMTP_HOST": "mail.example",
    "SMTP_USER": "bus",
    "SMTP_PASSWORD": "rahasia",
    "NOTICE_FROM": "bus@lamongan.example",
    "NOTICE_TO": "tik@lamongan.example, jaga@lamongan.example",
    "NOTICE_WEBHOOK": "http://127.0.0.1:9/kabar?kunci=rahasia",
    "NOTICE_WEBHOOK_SECRET": "whsec_" + "A" * 40,
}


def test_notices_have_their_settings(monkeypatch: pytest.MonkeyPatch):
    for name, value in NOTICES.items():
        monkeypatch.setenv(f"BUS_{name}", value)
    settings = load_settings()
    assert settings.notice_to == ("tik@lamongan.example", "jaga@lamongan.example")
    assert "rahasia" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("NOTICE_FROM", {"NOTICE_FROM": ""}),
        ("NOTICE_FROM", {"NOTICE_FROM": "bus@lamongan.example\nBcc: a@b.example"}),
        ("NOTICE_TO", {"SMTP_HOST": ""}),
        ("NOTICE_TO", {"NOTICE_TO": "tik"}),
        ("SMTP_HOST", {"SMTP_HOST": "mail.example/rahasia"}),
        ("SMTP_PASSWORD", {"SMTP_SECURITY": "none"}),
        ("NOTICE_WEBHOOK", {"NOTICE_WEBHOOK_SECRET": ""}),
        ("NOTICE_WEBHOOK", {"NOTICE_WEBHOOK": "ftp://rahasia.example"}),
        ("NOTICE_WEBHOOK", {"NOTICE_WEBHOOK": "https://bus:rahasia@kabar.example"}),
        ("NOTICE_WEBHOOK", {"NOTICE_WEBHOOK": "https://rahasia.example:99999/"}),
        ("NOTICE_WEBHOOK", {"NOTICE_WEBHOOK": "https://rahasia..example/"}),
        ("NOTICE_WEBHOOK", {"NOTICE_WEBHOOK": "https:///rahasia"}),
        ("NOTICE_WEBHOOK", {"NOTICE_WEBHOOK": "https://[::1/rahasia"}),
        ("NOTICE_WEBHOOK_SECRET", {"NOTICE_WEBHOOK_SECRET": "whsec_rahasia"}),
        ("NOTICE_WEBHOOK_SECRET", {"NOTICE_WEBHOOK_SECRET": "rahasia rahasia rahasia rahasia rahasia"}),
    ],
)
def test_a_setting_of_notices_that_cannot_work_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, changes: dict[str, str]
):
    for one, value in (NOTICES | changes).items():
        monkeypatch.setenv(f"BUS_{one}", value)
    with pytest.raises(SettingsWrong, match=f"BUS_{name}: ") as refused:
        load_settings()
    assert "rahasia" not in refused.value.detail


@pytest.mark.parametrize("blank", [" ", "\t\t", "\u00a0", "\u200b"])
@pytest.mark.parametrize("name", [name for name, one in Settings.model_fields.items() if one.annotation is SecretStr])
def test_a_blank_secret_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, blank: str):
    monkeypatch.setenv(f"BUS_{name.upper()}", blank)
    with pytest.raises(SettingsWrong, match=f"BUS_{name.upper()}: "):
        load_settings()


def test_origins_of_pages_are_kept_as_browsers_write_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BUS_CORS_ORIGINS", "https://Data.Example, http://localhost:5173")
    assert load_settings().cors_origins == ("https://data.example", "http://localhost:5173")


@pytest.mark.parametrize(
    "wrong",
    [
        "*",
        "null",
        "data.example",
        "https://data.example/",
        "https://data.example/app",
        "https://data.example:443",
        "file://",
    ],
)
def test_an_origin_that_no_browser_sends_stops_the_start(monkeypatch: pytest.MonkeyPatch, wrong: str):
    monkeypatch.setenv("BUS_CORS_ORIGINS", wrong)
    with pytest.raises(SettingsWrong, match="BUS_CORS_ORIGINS"):
        load_settings()


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets that the settings are read from."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("BUS_SECRETS_DIR", str(folder))
    return folder


def test_a_setting_comes_from_a_file_of_its_name(secrets: Path):
    (secrets / "bus_database_url").write_text("postgresql://bus:rahasia@db/bus\n")
    (secrets / "BUS_ADAPTERS__KEMENDAGRI__PASSWORD").write_text("rahasia")
    (secrets / "tls.key").write_text("of somebody else")
    settings = load_settings()
    assert settings.database == "postgresql://bus:rahasia@db/bus"
    assert settings.adapters == {"kemendagri": {"password": "rahasia"}}


def test_the_environment_wins_over_files_and_adds_to_them(secrets: Path, monkeypatch: pytest.MonkeyPatch):
    (secrets / "bus_broker_url").write_text("amqp://of-the-file")
    (secrets / "bus_adapters__kemendagri__password").write_text("rahasia")
    monkeypatch.setenv("BUS_BROKER_URL", "amqp://of-the-environment")
    monkeypatch.setenv("BUS_ADAPTERS__KEMENDAGRI__USER_ID", "lamongan")
    settings = load_settings()
    assert settings.broker_url == "amqp://of-the-environment"
    assert settings.adapters == {"kemendagri": {"password": "rahasia", "user_id": "lamongan"}}


def test_files_are_found_as_kubernetes_mounts_them(secrets: Path):
    (secrets / "..2026_11_28").mkdir()
    (secrets / "..2026_11_28" / "bus_broker_url").write_text("amqp://mq")
    (secrets / "..data").symlink_to("..2026_11_28")
    (secrets / "bus_broker_url").symlink_to("..data/bus_broker_url")
    assert load_settings().broker_url == "amqp://mq"


def test_a_missing_folder_of_secrets_stops_the_start(secrets: Path):
    secrets.rmdir()
    with pytest.raises(SettingsWrong, match=f"BUS_SECRETS_DIR: .*{secrets}"):
        load_settings()


def test_a_file_for_a_folder_of_secrets_stops_the_start(secrets: Path):
    secrets.rmdir()
    secrets.write_text("rahasia")
    with pytest.raises(SettingsWrong, match="BUS_SECRETS_DIR"):
        load_settings()


def test_a_secret_that_is_no_text_stops_the_start_and_is_not_shown(secrets: Path):
    (secrets / "bus_broker_url").write_bytes(b"amqp://rahasia\xff")
    with pytest.raises(SettingsWrong, match="BUS_SECRETS_DIR") as wrong:
        load_settings()
    assert "rahasia" not in str(wrong.value)


def test_a_wrong_value_in_a_file_is_named_and_not_shown(secrets: Path):
    (secrets / "bus_token_seconds").write_text("rahasia")
    (secrets / "bus_adapters").write_text("rahasia")
    with pytest.raises(SettingsWrong) as wrong:
        load_settings()
    assert "rahasia" not in str(wrong.value)


def test_an_address_from_a_file_wins_over_the_kept_one_and_is_kept_nowhere_else(secrets: Path, tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    keep_settings(load_settings(data_dir=data, database_url="postgresql://kept"))
    (secrets / "bus_database_url").write_text("postgresql://bus:rahasia@db/bus")
    settings = find_settings(data)
    assert settings.database_url == "postgresql://bus:rahasia@db/bus"
    keep_settings(settings)
    assert "rahasia" not in (data / "settings.json").read_text()


def test_an_address_that_was_kept_is_taken_where_nothing_else_is_given(tmp_path: Path):
    keep_settings(load_settings(data_dir=tmp_path, database_url="postgresql://kept"))
    assert find_settings(tmp_path).database_url == "postgresql://kept"


def test_a_password_of_its_own_may_hold_any_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUS_DATABASE_PASSWORD", "a/b#c@d")
    monkeypatch.setenv("BUS_BROKER_PASSWORD", "a/b#c@d")
    settings = load_settings(database_url="postgresql://bus@db:5432/bus", broker_url="amqp://bus@mq:5672//")
    assert make_url(settings.database).password == "a/b#c@d"
    assert Connection(settings.broker).password == "a/b#c@d"
    assert "a/b" not in repr(settings)


@pytest.mark.parametrize("wrong", ["1", "364", "-1"])
def test_disclosures_are_kept_for_a_year_at_least(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("BUS_KEEP_DISCLOSURES_DAYS", wrong)
    with pytest.raises(SettingsWrong, match="BUS_KEEP_DISCLOSURES_DAYS"):
        load_settings()


@pytest.mark.parametrize("right", [0, 365])
def test_disclosures_are_kept_for_good_or_for_days(monkeypatch: pytest.MonkeyPatch, right: int) -> None:
    monkeypatch.setenv("BUS_KEEP_DISCLOSURES_DAYS", str(right))
    assert load_settings().keep_disclosures_days == right
