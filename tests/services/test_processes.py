"""Processes of a bus: how they end, how they stand apart, and what they say of each other."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from bus.delivery.handover import BrokerAddress
from bus.delivery.state import DeliveryState
from bus.journal.tables import JOURNAL
from tests.services.agreements import an_agreed_event
from tests.services.fixtures import MakeBus
from tests.services.receiver import Receiver
from tests.services.running import ALL_ROLES, Bus
from tests.services.waiting import until

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
A_WHILE = 120_000_000
"""Microseconds; longer than the relay may be behind."""


def test_sigterm_lets_a_delivery_under_way_finish(make_bus: MakeBus, receiver: Receiver) -> None:
    bus, sink = make_bus(sink_timeout_seconds="10", lease_seconds="30"), receiver.sink("drained")
    subscription = bus.subscribe(sink)
    process = bus.start()
    sink.gate.clear()
    bus.publish(an_agreed_event("drained"))
    until(lambda: sink.begun)
    process.popen.send_signal(signal.SIGTERM)
    until(lambda: "bus.draining" in process.log.read_text())
    sink.gate.set()
    assert process.popen.wait(20) == 0
    assert [delivery.state for delivery in bus.deliveries(subscription)] == [DeliveryState.DELIVERED]


def test_sigterm_waits_for_a_hanging_sink_no_longer_than_its_bound(make_bus: MakeBus, receiver: Receiver) -> None:
    bus, sink = make_bus(sink_timeout_seconds="25", lease_seconds="60", drain_seconds="1"), receiver.sink("undrained")
    bus.subscribe(sink)
    process = bus.start()
    sink.gate.clear()
    bus.publish(an_agreed_event("undrained"))
    until(lambda: sink.begun)
    asked = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - asked < 10
    sink.gate.set()


def test_api_processes_end_when_their_parent_is_killed(make_bus: MakeBus) -> None:
    bus = make_bus()
    process = bus.start("api,relay,worker,adapters", "--workers", "2")
    until(lambda: process.log.read_text().count("bus.serving") == 2)
    process.kill()
    until(lambda: _is_free(bus.port))


def test_further_processes_take_no_code_from_the_working_directory(make_bus: MakeBus, tmp_path: Path) -> None:
    bus = make_bus()
    (tmp_path / "bus").mkdir()
    (tmp_path / "bus" / "__init__.py").write_text("raise SystemExit('taken from the working directory')")
    bus.start(ALL_ROLES, "--workers", "2", folder=tmp_path)
    until(lambda: _listeners(bus.port) == 2)


def test_api_processes_share_the_connections_and_one_that_dies_takes_its_own_alone(make_bus: MakeBus) -> None:
    bus = make_bus()
    process = bus.start(ALL_ROLES, "--workers", "2")
    until(lambda: _listeners(bus.port) == 2)
    connections = [socket.create_connection(("127.0.0.1", bus.port), timeout=10) for _ in range(64)]
    assert all(_answers(connection) for connection in connections)
    (sibling,) = _children(process.popen.pid)
    os.kill(sibling, signal.SIGKILL)
    assert 0 < sum(_answers(connection) for connection in connections) < len(connections)
    until(lambda: _listeners(bus.port) == 2)
    assert _children(process.popen.pid) != [sibling]
    for connection in connections:
        connection.close()


def test_a_port_that_api_processes_share_is_taken(make_bus: MakeBus) -> None:
    bus = make_bus()
    bus.start(ALL_ROLES, "--workers", "2")
    second = bus.launch(ALL_ROLES, "--workers", "2")
    assert second.popen.wait(30) == 1
    assert f"Cannot listen on 127.0.0.1:{bus.port}" in second.log.read_text()


@pytest.mark.postgres
@pytest.mark.rabbitmq
def test_roles_apart_as_the_compose_file_starts_them(
    database: str, broker: BrokerAddress, make_bus: MakeBus, receiver: Receiver
) -> None:
    bus, sink = make_bus(database, broker), receiver.sink("apart")
    bus.subscribe(sink)
    commands = _commands()
    assert commands.keys() == {"api", "relay", "worker", "adapters"}
    processes = [bus.launch(roles, *options) for roles, options in commands.items()]
    for process in processes:
        process.until_up().until_ready()
    bus.publish(an_agreed_event("apart"))
    sink.waits_for("apart")
    assert [process.stop() for process in processes] == [0, 0, 0, 0]


def test_the_api_stays_ready_and_says_elsewhere_that_nobody_delivers(make_bus: MakeBus) -> None:
    bus = make_bus()
    process = bus.start("api")
    bus.publish(an_agreed_event("undelivered"))
    assert process.readiness()["status"] == "ready"
    _age_the_journal(bus)
    # What was found is told again for a second.
    until(lambda: process.readiness()["elsewhere"])
    readiness = process.readiness()
    assert (readiness["code"], readiness["status"]) == (200, "ready")
    assert "1 events behind" in readiness["elsewhere"]["relay"]


@pytest.mark.postgres
@pytest.mark.rabbitmq
def test_the_api_says_elsewhere_that_a_relay_lives_and_no_worker(
    database: str, broker: BrokerAddress, make_bus: MakeBus, receiver: Receiver
) -> None:
    bus = make_bus(database, broker)
    bus.subscribe(receiver.sink("unattended"))
    api = bus.start("api")
    bus.launch("relay").until_up()
    bus.publish(an_agreed_event("unattended"))
    until(lambda: "workers" in api.readiness()["elsewhere"])
    assert api.readiness()["code"] == 200
    bus.launch("worker").until_up()
    until(lambda: not api.readiness()["elsewhere"])


def test_a_relay_takes_up_what_came_while_there_was_none(make_bus: MakeBus, receiver: Receiver) -> None:
    bus, sink = make_bus(), receiver.sink("taken-up")
    bus.subscribe(sink)
    bus.start("api")
    bus.publish(*(an_agreed_event(f"taken-up-{number}") for number in range(20)))
    bus.start("relay,worker,adapters")
    sink.waits_for(*(f"taken-up-{number}" for number in range(20)))


def _commands() -> dict[str, list[str]]:
    """The options of each service that serves, by roles; without the address, which is the container's."""
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    found: dict[str, list[str]] = {}
    for service in services.values():
        command = service.get("command", [])
        if "serve" in command:
            pairs = dict(zip(command[1::2], command[2::2], strict=True))
            roles = pairs.pop("--roles")
            pairs.pop("--host")
            found[roles] = [text for pair in pairs.items() for text in pair]
    return found


def _listeners(port: int) -> int:
    """The sockets that listen on a port of this machine's loopback."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in lines)


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]


def _answers(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: bus\r\n\r\n")
        return connection.recv(65536).startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False


def _age_the_journal(bus: Bus) -> None:
    with bus.storage.write() as transaction:
        transaction.execute(sa.update(JOURNAL).values(recorded_at=JOURNAL.c.recorded_at - A_WHILE))


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
