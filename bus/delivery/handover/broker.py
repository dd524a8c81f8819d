"""Handover between processes, through kombu: runs from the relay to the workers, and a bell that tells of changes.

A message of the handover names a lease and nothing else: no data rest in the broker, and a broker that loses everything costs
one lease's time. `amqp://` has a quorum queue and a single active consumer for each subscription.

A message of the bell says "look now" and nothing else: what changed stands in the database, and a process that does not hear
finds the change with its next look (`bus.storage.Changes`). So the bell tries nothing twice, and a broker that is away neither
blocks nor breaks anything.
"""

import queue
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import structlog
from amqp.exceptions import ConsumerCancelled, MessageNacked, NotFound
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.exceptions import KombuError, OperationalError
from kombu.messaging import Consumer, Producer

from bus.delivery.handover.run import Loaded, Received
from bus.delivery.ledger import Lease

log = structlog.get_logger(__name__)

_RECEIVE_SECONDS: Final = 0.02
"""How long RabbitMQ is listened to before what was done is acknowledged."""
_PREFETCH: Final = 12
"""Above the runs of a whole window: an acknowledgement's way to RabbitMQ and back is then nobody's wait."""
_UNUSED_MILLISECONDS: Final = 7 * 24 * 3600 * 1000
"""A queue without a listener for so long is deleted by the broker: its subscription is gone, or its leases bring all back."""
_BELL_SECONDS: Final = 0.05
"""How long the thread listens before it looks whether to ring; rings of that time become one."""
_PATIENCE_SECONDS: Final = 1.0
"""For a broker that does not answer: no command, and no process that ends, waits longer for the bell."""
_RECONNECT_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_QUORUM: Final = {
    "x-queue-type": "quorum",
    "x-single-active-consumer": True,
    "x-expires": _UNUSED_MILLISECONDS,
}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and what the queues of this bus are called.

    Attributes:
        url: kombu's URL.
        prefix: of every queue's name, so that more than one bus can share a broker.
    """

    url: str
    prefix: str = "bus"

    def connect(self) -> Connection:
        """A new connection, not yet opened."""
        return Connection(
            self.url,
            # kombu puts the broker's name there. Without, it would take any certificate of a known authority for the broker's.
            ssl={"server_hostname": None} if self.url.startswith("amqps:") else None,
            transport_options={"confirm_publish": True},
            heartbeat=10,
            connect_timeout=5,
        )

    def name(self, subscription: int) -> str:
        """The name of a subscription's queue."""
        return f"{self.prefix}.{subscription}"

    def queue(self, subscription: int) -> Queue:
        """The queue of a subscription."""
        name = self.name(subscription)
        return Queue(name, exchange="", routing_key=name, durable=True, queue_arguments=dict(_QUORUM))

    @property
    def changes(self) -> Exchange:
        """Where processes tell each other that something changed; it goes with the last one that listens."""
        return Exchange(f"{self.prefix}.changes", type="fanout", durable=False, auto_delete=True)


def find_broker(url: str, prefix: str) -> BrokerAddress | None:
    """The broker that the settings name; None for `memory://`, with which no run leaves its process."""
    return None if url.startswith("memory:") else BrokerAddress(url, prefix)


class Broker:
    """The handover through a broker. Its sending end belongs to one thread at a time; both ends connect again by themselves."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._declared: set[int] = set()
        self._returned: set[str] = set()

    def send(self, lease: Lease, loaded: Loaded | None) -> bool:
        """Hand a run over; False when the broker does not take it now. Its events stay in the journal."""
        try:
            self._publish(lease)
            if self._returned:
                # Somebody deleted the queue since it was declared.
                self._returned.clear()
                self._declared.discard(lease.subscription)
                self._publish(lease)
        except MessageNacked:
            # The broker is there and takes nothing: the queue is full, or it has no leader yet.
            log.warning("broker.run_refused", subscription=lease.subscription)
            return False
        except _lost(self._connection) as error:
            log.warning("broker.unreachable", role="relay", error=type(error).__name__)
            self.close()
            return False
        return True

    def receiver(
        self, subscriptions: Callable[[], Collection[int]], received: Callable[[Received], None]
    ) -> "_Receiver":
        """A worker's end, not started yet: a thread of its own."""
        return _Receiver(self._address, subscriptions, received)

    def close(self) -> None:
        """Let go of the sender's connection."""
        connection, self._connection, self._producer = self._connection, None, None
        self._declared.clear()
        if connection is not None:
            connection.release()

    def _publish(self, lease: Lease) -> None:
        producer = self._producer or self._open()
        if lease.subscription not in self._declared:
            self._address.queue(lease.subscription)(producer.channel).declare()
            self._declared.add(lease.subscription)
        producer.publish(
            {"subscription": lease.subscription, "lease": lease.due_at},
            routing_key=self._address.name(lease.subscription),
            delivery_mode=2,
            mandatory=True,
        )

    def _open(self) -> Producer:
        self._connection = self._address.connect()
        self._connection.ensure_connection(max_retries=1, interval_start=0.1)
        self._producer = Producer(self._connection.channel(), serializer="json", on_return=self._on_return)
        return self._producer

    def _on_return(self, exception: Exception, exchange: str, routing_key: str, message: Any) -> None:
        self._returned.add(routing_key)


class _Receiver:
    """A worker's end: a thread that listens to the queues of some subscriptions."""

    def __init__(
        self, address: BrokerAddress, subscriptions: Callable[[], Collection[int]], received: Callable[[Received], None]
    ) -> None:
        self._address = address
        self._subscriptions = subscriptions
        self._received = received
        self._acks: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._session = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self.connected = False

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; what was not acknowledged goes back to its queue."""
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        _stay_connected(self._address, "worker", self._stopping, self._session_on)

    def _session_on(self, connection: Connection) -> None:
        try:
            self._listen(connection)
        finally:
            self.connected = False
            self._session += 1

    def _listen(self, connection: Connection) -> None:
        channel = connection.channel()
        channel.basic_qos(0, _PREFETCH, False)
        self._receive_from(connection, channel)
        self._acknowledge()

    def _receive_from(self, connection: Connection, channel: Any) -> None:
        consumers: dict[int, Consumer] = {}
        matched: Collection[int] | None = None
        self.connected = True
        while not self._stopping.is_set():
            wanted = self._subscriptions()
            if wanted is not matched:
                self._match(consumers, channel, set(wanted))
                matched = wanted
            self._acknowledge()
            try:
                connection.drain_events(timeout=_RECEIVE_SECONDS)
            except TimeoutError:
                connection.heartbeat_check()
            except ConsumerCancelled:
                # A queue was deleted under us: listen anew, which makes it again.
                log.warning("broker.queue_deleted")
                return

    def _match(self, consumers: dict[int, Consumer], channel: Any, wanted: set[int]) -> None:
        """Listen to just these subscriptions."""
        for number in wanted - consumers.keys():
            session = self._session
            consumer = Consumer(
                channel,
                [self._address.queue(number)],
                on_message=lambda message, session=session: self._take(message, session),
            )
            consumer.consume()
            consumers[number] = consumer
        for number in consumers.keys() - wanted:
            consumers.pop(number).cancel()

    def _take(self, message: Any, session: int) -> None:
        lease = _lease(message)
        if lease is None:
            # Given back it would come again for ever.
            message.reject()
        else:
            self._received(Received(lease, _nothing_loaded, lambda: self._acks.put((session, message))))

    def _acknowledge(self) -> None:
        while True:
            try:
                session, message = self._acks.get_nowait()
            except queue.Empty:
                return
            # What came over an earlier connection was given back by the broker when that broke.
            if session == self._session:
                message.ack()


def _lease(message: Any) -> Lease | None:
    """What a message names; None where it is not one of ours."""
    try:
        reference = message.decode()
        return Lease(int(reference["subscription"]), int(reference["lease"]))
    except (KombuError, LookupError, TypeError, ValueError):
        log.warning("broker.message_not_understood")
        return None


def _nothing_loaded() -> None:
    """The worker reads the run from the database."""


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
        _stay_connected(self._address, "bell", self._stopping, self._listen)

    def _listen(self, connection: Connection) -> None:
        channel = connection.channel()
        queue = Queue("", self._address.changes, durable=False, exclusive=True, auto_delete=True)
        Consumer(channel, [queue], on_message=self._on_message, no_ack=True).consume()
        self._heard()
        producer = Producer(channel, self._address.changes, auto_declare=False)
        while not self._stopping.is_set():
            self._ring_if_asked(producer)
            try:
                connection.drain_events(timeout=_BELL_SECONDS)
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
    except _lost(connection) as error:
        log.warning("broker.unreachable", role="bell", error=type(error).__name__)
    finally:
        connection.release()


def _stay_connected(
    address: BrokerAddress, role: str, stopping: threading.Event, work: Callable[[Connection], None]
) -> None:
    """Do `work` on a connection, and again on a new one whenever it returns or its connection is lost, until `stopping`."""
    failures = 0
    while not stopping.is_set():
        connection = address.connect()
        try:
            connection.ensure_connection(max_retries=1, interval_start=0.1)
            failures = 0
            work(connection)
        except _lost(connection) as error:
            log.warning("broker.unreachable", role=role, error=type(error).__name__)
            stopping.wait(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])
            failures += 1
        finally:
            connection.release()


def is_reachable(address: BrokerAddress) -> bool:
    """Whether the broker answers now."""
    connection = address.connect()
    try:
        connection.ensure_connection(max_retries=1, interval_start=0.1)
    except _lost(connection):
        return False
    finally:
        connection.release()
    return True


def _lost(connection: Connection | None) -> tuple[type[BaseException], ...]:
    """What says that a connection (None: not made yet) is of no use any more."""
    if connection is None:
        return (OperationalError, OSError)
    return (*connection.connection_errors, *connection.channel_errors, OperationalError, OSError)
