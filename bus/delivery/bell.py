"""The bell: processes tell each other over the broker that something changed, so that all look at the changes at once.

A message says "look now" and nothing else: what changed stands in the database, and whoever does not hear finds it with
its next look (`bus.storage.Changes`). So nothing here is tried twice, and a broker that is away neither blocks nor breaks
anything.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

import structlog
from amqp.exceptions import ConsumerCancelled, NotFound
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.messaging import Consumer, Producer

from bus.delivery.broker import BrokerAddress, lost, stay_connected

log = structlog.get_logger(__name__)

_LISTEN_SECONDS: Final = 0.05
"""How long the thread listens before it looks whether to ring; rings of that time become one."""
_PATIENCE_SECONDS: Final = 1.0
"""For a broker that does not answer: no command, and no process that ends, waits longer for the bell."""


class ChangesBell:
    """One process's bell: a thread that rings and listens, and connects again by itself."""

    def __init__(self, address: BrokerAddress, heard: Callable[[], None]) -> None:
        """`heard` is called in the thread when somebody rang, this process too, or may have while there was no connection."""
        self._address = address
        self._heard = heard
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def ring(self) -> None:
        """Have every process look; from any thread, without waiting. This one looks with or without a broker."""
        self._heard()
        self._asked.set()

    def stop(self) -> None:
        """Stop listening."""
        self._stopping.set()
        self._thread.join(_PATIENCE_SECONDS)

    def _run(self) -> None:
        stay_connected(self._address, "bell", self._stopping, self._listen)

    def _listen(self, connection: Connection) -> None:
        channel = connection.channel()
        queue = Queue("", self._address.changes, durable=False, exclusive=True, auto_delete=True)
        Consumer(channel, [queue], on_message=self._on_message, no_ack=True).consume()
        self._heard()
        producer = Producer(channel, self._address.changes, auto_declare=False)
        while not self._stopping.is_set():
            self._ring_if_asked(producer)
            try:
                connection.drain_events(timeout=_LISTEN_SECONDS)
            except TimeoutError:
                connection.heartbeat_check()
            except ConsumerCancelled:
                log.warning("broker.queue_deleted")
                return
        self._ring_if_asked(producer)

    def _ring_if_asked(self, producer: Producer) -> None:
        if self._asked.is_set():
            # Before the message: what is asked for from here on gets one of its own.
            self._asked.clear()
            producer.publish(b"", delivery_mode=1)

    def _on_message(self, message: Any) -> None:
        self._heard()


def ring_once(address: BrokerAddress) -> None:
    """Ring for a command that has no bell of its own; gives up after a second."""
    thread = threading.Thread(target=_ring_once, args=[address], name="bell", daemon=True)
    thread.start()
    thread.join(_PATIENCE_SECONDS)


def _ring_once(address: BrokerAddress) -> None:
    connection = address.connect()
    try:
        connection.ensure_connection(max_retries=1, interval_start=0.1)
        exchange = address.changes(connection.channel())
        exchange.declare(passive=True)
        exchange.publish(exchange.Message(b"", delivery_mode=1), routing_key="")
    except NotFound:
        # Nobody listens.
        return
    except lost(connection) as error:
        log.warning("broker.unreachable", role="bell", error=type(error).__name__)
    finally:
        connection.release()
