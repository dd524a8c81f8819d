"""Handover between processes, through kombu: runs from the relay to the workers, and a bell that tells of changes.

A message of the handover only names a lease, so the broker holds no data. If a broker loses everything, that costs one lease's
time. `amqp://` has a quorum queue and a single active consumer for each subscription.

A message of the bell only says "look now": the database holds what changed. A process that misses the message finds the change
with its next look (`bus.storage.Changes`). So the bell tries nothing twice. A broker that is away blocks nothing.
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

from bus.delivery.handover.outage import Outage
from bus.delivery.handover.run import Loaded, Received
from bus.delivery.ledger import Lease
from bus.settings import EMBEDDED

log = structlog.get_logger(__name__)

_RECEIVE_SECONDS: Final = 0.02
"""How long the receiver listens to RabbitMQ before it acknowledges finished runs."""
_PREFETCH: Final = 20
"""Messages in advance, more than the runs of a window: so no run waits for an acknowledgement's round trip."""
_UNUSED_MILLISECONDS: Final = 7 * 24 * 3600 * 1000
"""The broker deletes a queue that has no listener for this time. Its subscription is gone, or leases bring its runs back."""
_BELL_SECONDS: Final = 0.05
"""How long the thread listens before it checks whether to ring. Rings of that time become one."""
_PATIENCE_SECONDS: Final = 1.0
"""The longest wait for a broker that does not answer, of a command or of a process that ends."""
_RECONNECT_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_QUORUM: Final = {
    "x-queue-type": "quorum",
    "x-single-active-consumer": True,
    "x-expires": _UNUSED_MILLISECONDS,
}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """The broker's address and the names of this bus's queues.

    Attributes:
        url: kombu's URL.
        prefix: the prefix of every queue's name, so that several buses can share a broker.
    """

    url: str
    prefix: str = "bus"

    def connect(self, **options: Any) -> Connection:
        """A new connection, not yet opened. `options` are the transport's own."""
        return Connection(
            self.url,
            # kombu fills in the broker's name. Without this, it would accept any certificate of a known authority.
            ssl={"server_hostname": None} if self.url.startswith("amqps:") else None,
            transport_options={"confirm_publish": True, **options},
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
        """The exchange where processes tell of changes. It is deleted with its last listener."""
        return Exchange(f"{self.prefix}.changes", type="fanout", durable=False, auto_delete=True)


def find_broker(url: str, prefix: str) -> BrokerAddress | None:
    """The broker that the settings name; None for `memory://`: no run then leaves its process."""
    return None if url.startswith(EMBEDDED) else BrokerAddress(url, prefix)


class Broker:
    """The handover through a broker. Its sending end belongs to one thread at a time. Both ends reconnect by themselves."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._declared: set[int] = set()
        self._returned: set[str] = set()
        self._outage = Outage("relay")

    def send(self, lease: Lease, loaded: Loaded | None) -> bool:
        """Hand a run over. Returns False if the broker does not take it now. The events stay in the journal."""
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
        except list_losses(self._connection) as error:
            self._outage.note(error)
            self.close()
            return False
        self._outage.end()
        return True

    def make_receiver(
        self, subscriptions: Callable[[], Collection[int]], received: Callable[[Received], None]
    ) -> "_Receiver":
        """The receiver of a worker, not started yet. It has a thread of its own."""
        return _Receiver(self._address, subscriptions, received)

    def close(self) -> None:
        """Close the sender's connection."""
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
    """The receiver of a worker: a thread that listens to the queues of some subscriptions."""

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
        """Stop listening. Messages that were not acknowledged go back to their queues."""
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
                # A queue was deleted meanwhile: listen anew, which declares it again.
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
            # Requeued, it would come back for ever.
            message.reject()
        else:
            self._received(Received(lease, _load_nothing, lambda: self._acks.put((session, message))))

    def _acknowledge(self) -> None:
        while True:
            try:
                session, message = self._acks.get_nowait()
            except queue.Empty:
                return
            # If a connection breaks, the broker requeues the messages that came over it.
            if session == self._session:
                message.ack()


def _lease(message: Any) -> Lease | None:
    """The lease that a message names; None: the message is not the bus's."""
    try:
        reference = message.decode()
        return Lease(int(reference["subscription"]), int(reference["lease"]))
    except (KombuError, LookupError, TypeError, ValueError):
        log.warning("broker.message_not_understood")
        return None


def _load_nothing() -> None:
    """No loaded run: the worker reads it from the database."""


class ChangesBell:
    """One process's bell: a thread that rings and listens, and reconnects by itself."""

    def __init__(self, address: BrokerAddress, heard: Callable[[], None]) -> None:
        """`heard` is called in the thread when any process rang. Also after a time without a connection."""
        self._address = address
        self._heard = heard
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def ring(self) -> None:
        """Have every process look. Callable from any thread; does not wait. This process looks even without a broker."""
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
            # Cleared before the message: a request from here on gets a message of its own.
            self._asked.clear()
            producer.publish(b"", delivery_mode=1)

    def _on_message(self, message: Any) -> None:
        self._heard()


def ring_once(address: BrokerAddress) -> None:
    """Ring for a command without a bell of its own. Gives up after a second."""
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
    except list_losses(connection) as error:
        log.warning("broker.unreachable", role="bell", error=type(error).__name__)
    finally:
        connection.release()


def _stay_connected(
    address: BrokerAddress, role: str, stopping: threading.Event, work: Callable[[Connection], None]
) -> None:
    """Do `work` on a connection until `stopping`. If it returns or the connection is lost, do it on a new connection."""
    failures, outage = 0, Outage(role)
    while not stopping.is_set():
        connection = address.connect()
        try:
            connection.ensure_connection(max_retries=1, interval_start=0.1)
            failures = 0
            outage.end()
            work(connection)
        except list_losses(connection) as error:
            outage.note(error)
            stopping.wait(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])
            failures += 1
        finally:
            connection.release()


def list_losses(connection: Connection | None) -> tuple[type[BaseException], ...]:
    """The errors that say that a connection (None: not made yet) cannot be used any more."""
    if connection is None:
        return (OperationalError, OSError)
    return (*connection.connection_errors, *connection.channel_errors, OperationalError, OSError)
