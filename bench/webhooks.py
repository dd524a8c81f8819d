"""Webhook deliveries out of a backlog: order, view, signature, outcome, disclosure; against a client that only posts.

Both may use every core.

On the embedded default, one process, and when they answer on PostgreSQL with RabbitMQ, relay and worker each a process as in
`docker-compose.yml`.
"""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import make_url

from bench import load
from bench.events import documents, request
from bench.processes import ALL_CORES, running_python
from bench.ratio import Ratio, in_turns
from bench.receiver import receiving
from bench.site import Site
from bus.delivery import broker
from bus.delivery.broker import BrokerAddress

CONCURRENCY: Final = 32
_BATCH: Final = 500
_PREFIX: Final = f"bus-bench-{uuid4().hex[:8]}"
_RATE: Final = 14_000
"""More deliveries a second than one core makes: so large a backlog outlasts the measurement."""


async def webhooks(folder: Path, rounds: int, seconds: float) -> Sequence[Ratio]:
    """On each set of servers."""
    ratios = [await _on("embedded", folder, [], rounds, seconds)]
    async with _servers() as options:
        if options:
            ratios.append(await _on("PostgreSQL and RabbitMQ", folder, options, rounds, seconds))
            _forget_queues(options[-1])
    return ratios


async def _on(servers: str, folder: Path, options: Sequence[str], rounds: int, seconds: float) -> Ratio:
    environment = {"BUS_SINK_CONCURRENCY": str(CONCURRENCY), "BUS_BROKER_PREFIX": _PREFIX}
    site = Site.make(folder / servers.replace(" ", "-"), *options)
    async with receiving() as receiver:
        with site.running(environment) as bus:
            await _fill(bus.port, bus.authorization, int(rounds * (seconds + 1) * _RATE))
        site.subscribe(receiver.url)
        bodies = folder / "bodies"

        async def delivered() -> float:
            with _delivering(site, environment, apart=bool(options)):
                rate = await receiver.rate(seconds)
            bodies.write_bytes(b"\n".join(receiver.bodies))
            return rate

        async def posted() -> float:
            arguments = ["-m", "bench.poster", receiver.url, str(bodies), str(CONCURRENCY)]
            with running_python(arguments, folder / "poster.log", cores=ALL_CORES):
                return await receiver.rate(seconds)

        rates: Mapping[str, list[float]] = await in_turns({"bus": delivered, "poster": posted}, rounds)
    what = f"webhook deliveries, {servers}, {CONCURRENCY} in flight"
    return Ratio(what, "aiohttp client posting the same bytes", rates["bus"], rates["poster"], 0.5)


def _delivering(site: Site, environment: Mapping[str, str], *, apart: bool) -> AbstractContextManager[object]:
    if apart:
        return site.running_apart(environment, ALL_CORES, "relay", "worker")
    return site.running(environment, ALL_CORES)


def _forget_queues(messages: str) -> None:
    address = BrokerAddress(messages, _PREFIX)
    with address.connect() as connection:
        # The one subscription there was.
        address.queue(1)(connection).delete()


async def _fill(port: int, authorization: str, events: int) -> None:
    """Publish a backlog, in batches."""
    made = documents()
    for _ in range(events // _BATCH + 1):
        batch = b"[%b]" % b",".join(islice(made, _BATCH))
        await load.once(port, request(batch, authorization, "application/cloudevents-batch+json"))


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
        yield ["--database-url", scratch, "--broker-url", messages] if broker.reachable(BrokerAddress(messages)) else []
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()
