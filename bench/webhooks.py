"""Webhook deliveries out of a backlog: order, view, signature, outcome; against a client that only posts.

Once of personal data, whose disclosure is on disk before the first byte leaves, and once of data about nobody: of licences of
companies, under a contract that calls itself internal and has no place for a person's number.

Both may use every core.

On the embedded default, one process, and when they answer on PostgreSQL with RabbitMQ, relay and worker each a process as in
`docker-compose.yml`.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

import sqlalchemy as sa
import yaml
from sqlalchemy import exc
from sqlalchemy.engine import make_url

from bench.events import CONTRACT
from bench.journal import await_live, fill
from bench.processes import ALL_CORES, running_python
from bench.ratio import Ratio, in_turns
from bench.receiver import receiving
from bench.site import Site
from bus import json
from bus.actions.actor import Channel, identify_operator
from bus.cli.workspace import open_workspace
from bus.delivery.handover import BrokerAddress, Reach, look_for
from bus.delivery.subscription import SubscriptionState
from bus.delivery.subscriptions import Subscriptions

CONCURRENCY: Final = 32
_PREFIX: Final = f"bus-bench-{uuid4().hex[:8]}"
_RATE: Final = 10_000
"""More deliveries a second than one core makes: so large a backlog outlasts the measurement."""


class _Kind(NamedTuple):
    words: str
    floor: float


class Data(Enum):
    """What is delivered."""

    OF_NOBODY = _Kind("", 0.5)
    PERSONAL = _Kind(" of personal data", 0.4)


async def webhooks(folder: Path, rounds: int, seconds: float) -> Sequence[Ratio]:
    """On each set of servers, of each kind of data."""
    ratios: list[Ratio] = []
    for data in Data:
        ratios.append(await _on("embedded", folder, [], rounds, seconds, data))
        async with _servers() as options:
            if options:
                ratios.append(await _on("PostgreSQL and RabbitMQ", folder, options, rounds, seconds, data))
                _forget_queues(options[-1])
    return ratios


async def _on(servers: str, folder: Path, options: Sequence[str], rounds: int, seconds: float, data: Data) -> Ratio:
    environment = {"BUS_SINK_CONCURRENCY": str(CONCURRENCY), "BUS_BROKER_PREFIX": _PREFIX}
    folder = folder / f"{servers} {data.name}".replace(" ", "-")
    folder.mkdir()
    site = Site.make(folder / "bus", *options, contracts=_contracts(folder, data))
    await fill(site, int(rounds * (seconds + 1) * _RATE), of_persons=data is Data.PERSONAL)
    async with receiving() as receiver:
        await _make_deliveries(site, receiver.url, environment)
        bodies = folder / "bodies"

        async def delivered() -> float:
            async with _delivering(site, environment, apart=bool(options)):
                rate = await receiver.rate(seconds)
            bodies.write_bytes(b"\n".join(receiver.bodies))
            return rate

        async def posted() -> float:
            arguments = ["-m", "bench.poster", receiver.url, str(bodies), str(CONCURRENCY)]
            with running_python(arguments, folder / "poster.log", cores=ALL_CORES):
                return await receiver.rate(seconds)

        rates: Mapping[str, list[float]] = await in_turns({"bus": delivered, "poster": posted}, rounds)
    what = f"webhook deliveries{data.value.words}, {servers}, {CONCURRENCY} in flight"
    return Ratio(what, "aiohttp client posting the same bytes", rates["bus"], rates["poster"], data.value.floor)


def _contracts(folder: Path, data: Data) -> str:
    """The contracts that ship; for data about nobody the licences' own names no person."""
    if data is Data.PERSONAL:
        return "contracts"
    copy = folder / "contracts"
    shutil.copytree("contracts", copy)
    shutil.copytree("schemas", folder / "schemas")
    (document,) = [path for path in copy.rglob("*.yaml") if f"contract: {CONTRACT}\n" in path.read_text()]
    contract = yaml.safe_load(document.read_text())
    del contract["subject"], contract["examples"]
    document.write_text(yaml.safe_dump(contract | {"classification": "internal"}))
    schema = folder / "schemas" / "perizinan" / "izin.schema.json"
    licence = json.loads(schema.read_bytes())
    owner = licence["properties"]["pemilik"]
    for member in ("if", "then", "else"):
        del owner[member]
    owner["properties"] = {name: owner["properties"][name] for name in owner["required"]}
    schema.write_bytes(json.dumps(licence))
    return str(copy)


async def _make_deliveries(site: Site, url: str, environment: Mapping[str, str]) -> None:
    """Have the relay make them all while nothing is sent; it would do so at the beginning of the measurement."""
    site.subscribe(url)
    by = identify_operator(Channel.CLI)
    with open_workspace(site.data) as workspace:
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        (subscription,) = subscriptions.listed(None)
        subscriptions.set_state(subscription, SubscriptionState.PAUSED, by)
        with site.running(environment, ALL_CORES):
            await await_live(workspace)
        subscriptions.set_state(subscription, SubscriptionState.ACTIVE, by)


@asynccontextmanager
async def _delivering(site: Site, environment: Mapping[str, str], *, apart: bool) -> AsyncIterator[None]:
    with ExitStack() as stack:
        if apart:
            stack.enter_context(site.running_apart(environment, ALL_CORES, "relay", "worker"))
        else:
            stack.enter_context(site.running(environment, ALL_CORES))
        yield
        # Not in the event loop: the receiver has to answer what is under way, or the stop takes all the time that it may.
        await asyncio.to_thread(stack.close)


def _forget_queues(messages: str) -> None:
    address = BrokerAddress(messages, _PREFIX)
    with address.connect() as connection:
        # The one subscription there was.
        address.queue(1)(connection).delete()


@asynccontextmanager
async def _servers() -> AsyncIterator[list[str]]:
    """Options of `bus init` for a scratch database and RabbitMQ; none when one of them does not answer."""
    database = os.environ.get("BUS_TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
    messages = os.environ.get("BUS_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672//")
    name = f"bus_bench_{uuid4().hex[:8]}"
    url = make_url(database).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except exc.OperationalError:
        yield []
        return
    try:
        scratch = url.set(database=name).render_as_string(hide_password=False)
        yield (
            ["--database-url", scratch, "--broker-url", messages]
            if look_for(BrokerAddress(messages)) is Reach.TAKES
            else []
        )
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()
