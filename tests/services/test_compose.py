"""The compose file, read by a parser of the Compose specification; there need not be a container engine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SECRETS = {"POSTGRES_PASSWORD": "made/up@here", "RABBITMQ_PASSWORD": "made-up", "BUS_PUBLIC_URL": "https://bus.example"}


@pytest.fixture
def parse(tmp_path: Path) -> Any:
    # The parser asks the engine only for its version before it reads.
    engine = tmp_path / "podman"
    engine.write_text("#!/bin/sh\necho podman version 5.0.0\n")
    engine.chmod(0o755)

    def parse(text: str, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
        (tmp_path / "docker-compose.yml").write_text(text)
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **settings}
        command = [sys.executable, "-m", "podman_compose", "-f", "docker-compose.yml", "config"]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    return parse


def test_the_compose_file_is_one(parse: Any) -> None:
    parsed = parse((ROOT / "docker-compose.yml").read_text(), SECRETS)
    assert parsed.returncode == 0, parsed.stderr
    services = yaml.safe_load(parsed.stdout)["services"]
    assert services.keys() == {"postgres", "rabbitmq", "init", "api", "relay", "worker", "adapters"}
    serving = [service for service in services.values() if "serve" in service.get("command", [])]
    assert {service["environment"]["BUS_DATABASE_URL"] for service in serving} == {"postgresql://bus@postgres:5432/bus"}
    assert {service["environment"]["BUS_DATABASE_PASSWORD"] for service in serving} == {SECRETS["POSTGRES_PASSWORD"]}
    assert all(service["depends_on"].keys() == {"init", "rabbitmq"} for service in serving)


def test_every_service_stops_later_than_the_bus_drains(parse: Any) -> None:
    services = yaml.safe_load(parse((ROOT / "docker-compose.yml").read_text(), SECRETS).stdout)["services"]
    graces = {service["stop_grace_period"] for service in services.values() if "serve" in service.get("command", [])}
    assert graces == {"30s"}


def test_a_forgotten_password_stops_the_start(parse: Any) -> None:
    parsed = parse((ROOT / "docker-compose.yml").read_text(), {**SECRETS, "POSTGRES_PASSWORD": ""})
    assert parsed.returncode != 0
    assert "set POSTGRES_PASSWORD" in parsed.stderr


def test_the_parser_would_tell_a_wrong_file(parse: Any) -> None:
    wrong = (ROOT / "docker-compose.yml").read_text().replace("service_healthy", "service_hopeful")
    assert parse(wrong, SECRETS).returncode != 0
