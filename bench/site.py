"""A bus made for one benchmark: initialised, with the contracts that ship, a producer's token, and nothing in its journal."""

import json
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.events import CONSUMER, CONTRACT, PRODUCER
from bench.processes import SERVER_CORE, await_listeners, await_port, running_python
from bus.actions.actor import Channel, identify_operator
from bus.cli.workspace import open_workspace
from bus.delivery.subscription import NewSubscription, Webhook
from bus.delivery.subscriptions import Subscriptions
from bus.journal import JournalReader
from samples.port import free_port

_UNLIMITED = {"BUS_LIMITS__PUBLISH": "999999999/s", "BUS_LIMITS__READ": "999999999/s"}
"""The limits are at work, and nothing that is measured comes to them."""


@dataclass(frozen=True, slots=True)
class Site:
    """A bus that does not run yet, and the credentials of its producer and of its consumer."""

    data: Path
    producer: Mapping[str, str]
    consumer: Mapping[str, str]

    @classmethod
    def make(
        cls, data: Path, *options: str, producer: str = PRODUCER, consumer: str = CONSUMER, contracts: str = "contracts"
    ) -> "Site":
        """A new bus in a folder; `options` are those of `bus init`."""
        _bus("init", "--data", str(data), *options)
        _bus("contract", "apply", "--grants-seen", contracts, "--data", str(data))
        publisher = _client(data, producer, "events.publish")
        return cls(data, publisher, _client(data, consumer, "events.read"))

    def subscribe(self, url: str, *, from_now: bool = False) -> None:
        """Have the licences delivered to a webhook, from the beginning of the journal or from now on."""
        with open_workspace(self.data) as workspace:
            subscriptions = Subscriptions(workspace.storage, workspace.keys)
            after = JournalReader(workspace.storage).last_position() if from_now else 0
            subscriptions.add(
                NewSubscription(CONSUMER, [CONTRACT], Webhook(url), after=after), identify_operator(Channel.CLI)
            )

    @contextmanager
    def running(
        self,
        environment: Mapping[str, str] | None = None,
        cores: Collection[int] = (SERVER_CORE,),
        api_processes: int = 1,
    ) -> Iterator["Running"]:
        """The bus at work, on the server's core or on several; but for further ones of the API in one process."""
        options = ("--workers", str(api_processes)) if api_processes > 1 else ()
        with self._serving(options, environment, cores) as (port, pid):
            await_listeners(port, api_processes)
            yield Running(port, pid, _token(port, self.producer), _token(port, self.consumer))

    @contextmanager
    def running_apart(self, environment: Mapping[str, str], cores: Collection[int], *roles: str) -> Iterator[None]:
        """The bus at work with these roles, each a process, as `docker-compose.yml` has them."""
        with ExitStack() as stack:
            for role in roles:
                stack.enter_context(self._serving(("--roles", role), environment, cores))
            yield

    @contextmanager
    def _serving(
        self, options: Sequence[str], environment: Mapping[str, str] | None, cores: Collection[int]
    ) -> Iterator[tuple[int, int]]:
        port = free_port()
        log = self.data / "serve.log"
        variables = {
            "BUS_SINK_NETWORKS": "127.0.0.0/8",
            "BUS_TOKEN_SECONDS": "3600",
            **_UNLIMITED,
            **(environment or {}),
        }
        arguments = ["-m", "bus", "serve", "--data", str(self.data), "--port", str(port), *options]
        with running_python(arguments, log, variables, cores) as process:
            await_port(port, process, log)
            yield port, process.pid


@dataclass(frozen=True, slots=True)
class Running:
    """A bus that runs.

    Attributes:
        authorization: the value of the producer's Authorization header.
        consumer_authorization: the same of the consumer.
    """

    port: int
    pid: int
    authorization: str
    consumer_authorization: str


def _client(data: Path, participant: str, scope: str) -> dict[str, str]:
    _bus("participant", "add", participant, "--kind", "app", "--data", str(data))
    made: dict[str, str] = json.loads(
        _bus("client", "add", participant, "--scope", scope, "--json", "--data", str(data))
    )
    return made


def _token(port: int, client: Mapping[str, str]) -> str:
    form = urllib.parse.urlencode({"grant_type": "client_credentials", **client}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/oauth/token", form, timeout=30) as answer:
        document: dict[str, Any] = json.load(answer)
    return f"Bearer {document['access_token']}"


def _bus(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "bus", *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"bus {arguments[0]}: {done.stderr[-2000:]}")
    return done.stdout
