"""The broker: hands runs of deliveries from the relay to the workers, through kombu.

A message names a lease and nothing else: no data rest in the broker, and a broker that loses everything costs one lease's
time. `memory://` in one process; `amqp://` with a quorum queue and a single active consumer for each subscription.
"""

import queue
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from amqp.exceptions import ConsumerCancelled
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.exceptions import KombuError, OperationalError
from kombu.messaging import Consumer, Producer

from bus.delivery.ledger import Lease

log = structlog.get_logger(__name__)

_LISTEN_SECONDS: Final = 0.02
"""How long RabbitMQ is listened to before what was done is acknowledged."""
_MATCH_SECONDS: Final = 0.1
"""How often a process whose queues are its own looks for new subscriptions."""
_PREFETCH: Final = 12
"""Above the runs of a whole window: an acknowledgement's way to RabbitMQ and back is then nobody's wait."""
_UNUSED_MILLISECONDS: Final = 7 * 24 * 3600 * 1000
"""A queue without a listener for so long is deleted by the broker: its subscription is gone, or its leases bring all back."""
_RECONNECT_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0)


_QUORUM: Final = {
    "x-queue-type": "quorum",
    "x-single-active-consumer": True,
    "x-expires": _UNUSED_MILLISECONDS,
}


class Arrivals:
    """Takes what is put into the queues of this process on to who listens there, in the thread of who put it.

    kombu's virtual transports know but sleeping between looks, at every queue each time: a latency at a low rate, and work
    when nothing comes. And to wake each listener's thread, so that it tells the event loop, cost a tenth of a delivery.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._takers: tuple[Callable[[int], None], ...] = ()

    def tell(self, subscription: int) -> None:
        """Something was put into the queue of a subscription."""
        for take in self._takers:
            take(subscription)

    @contextmanager
    def taken_by(self, take: Callable[[int], None]) -> Iterator[None]:
        """Have `take` called, from any thread, with the subscription for which something came, while the block runs."""
        with self._changing:
            self._takers += (take,)
        try:
            yield
        finally:
            with self._changing:
                self._takers = tuple(one for one in self._takers if one is not take)


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and what the queues of this bus are called.

    Attributes:
        url: kombu's URL.
        prefix: of every queue's name, so that more than one bus can share a broker.
        arrivals: in what `memory://` means by a broker.
    """

    url: str
    prefix: str = "bus"
    arrivals: Arrivals = field(default_factory=Arrivals, compare=False, repr=False)

    def connect(self) -> Connection:
        """A new connection, not yet opened."""
        options = {} if self.is_memory else {"confirm_publish": True}
        return Connection(
            self.url,
            # kombu puts the broker's name there. Without, it would take any certificate of a known authority for the broker's.
            ssl={"server_hostname": None} if self.url.startswith("amqps:") else None,
            transport_options=options,
            heartbeat=0 if self.is_memory else 10,
            connect_timeout=5,
        )

    @property
    def is_memory(self) -> bool:
        """Whether the queues live in this process alone."""
        return self.url.startswith("memory:")

    def name(self, subscription: int) -> str:
        """The name of a subscription's queue."""
        return f"{self.prefix}.{subscription}"

    def queue(self, subscription: int) -> Queue:
        """The queue of a subscription."""
        arguments: dict[str, Any] = {} if self.is_memory else dict(_QUORUM)
        name = self.name(subscription)
        return Queue(name, exchange="", routing_key=name, durable=True, queue_arguments=arguments)

    @property
    def changes(self) -> Exchange:
        """Where processes tell each other that something changed; it goes with the last one that listens."""
        return Exchange(f"{self.prefix}.changes", type="fanout", durable=False, auto_delete=True)


class Handover:
    """The relay's end. Belongs to one thread at a time; connects again by itself."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._declared: set[int] = set()
        self._returned: set[str] = set()

    def send(self, lease: Lease) -> bool:
        """Hand a run over; False when the broker does not take it now."""
        try:
            self._publish(lease)
            if self._returned:
                # Somebody deleted the queue since it was declared.
                self._returned.clear()
                self._declared.discard(lease.subscription)
                self._publish(lease)
        except lost(self._connection) as error:
            log.warning("broker.unreachable", role="relay", error=type(error).__name__)
            self.close()
            return False
        self._address.arrivals.tell(lease.subscription)
        return True

    def close(self) -> None:
        """Let go of the connection."""
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
            mandatory=not self._address.is_memory,
        )

    def _open(self) -> Producer:
        self._connection = self._address.connect()
        self._connection.ensure_connection(max_retries=1, interval_start=0.1)
        self._producer = Producer(self._connection.channel(), serializer="json", on_return=self._on_return)
        return self._producer

    def _on_return(self, exception: Exception, exchange: str, routing_key: str, message: Any) -> None:
        self._returned.add(routing_key)


@dataclass(frozen=True, slots=True)
class Received:
    """A message that says which run to make; `done` acknowledges it, from any thread."""

    lease: Lease
    done: Callable[[], None]


class Receiver:
    """The workers' end: a thread that listens to the queues of some subscriptions, and connects again by itself."""

    def __init__(
        self, address: BrokerAddress, subscriptions: Callable[[], Collection[int]], received: Callable[[Received], None]
    ) -> None:
        """`subscriptions` tells which to listen to now: the same object until they change.

        `received` is called in the thread and must not block.
        """
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
        stay_connected(self._address, "worker", self._stopping, self._session_on)

    def _session_on(self, connection: Connection) -> None:
        try:
            self._listen(connection)
        finally:
            self.connected = False
            self._session += 1

    def _listen(self, connection: Connection) -> None:
        channel = connection.channel()
        if self._address.is_memory:
            self._listen_here(_Here(self._address, channel))
        else:
            channel.basic_qos(0, _PREFETCH, False)
            self._listen_there(connection, channel)
            self._acknowledge()

    def _listen_here(self, here: "_Here") -> None:
        def take(subscription: int) -> None:
            for lease in here.taken(subscription):
                # Memory forgets what it gave away, and itself with the process: there is nobody to acknowledge to.
                self._received(Received(lease, _tell_nobody))

        with self._address.arrivals.taken_by(take):
            self.connected = True
            while not self._stopping.is_set():
                for new in here.match(self._subscriptions()):
                    take(new)
                self._stopping.wait(_MATCH_SECONDS)

    def _listen_there(self, connection: Connection, channel: Any) -> None:
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
                connection.drain_events(timeout=_LISTEN_SECONDS)
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
            self._received(Received(lease, lambda: self._acks.put((session, message))))

    def _acknowledge(self) -> None:
        while True:
            try:
                session, message = self._acks.get_nowait()
            except queue.Empty:
                return
            # What came over an earlier connection was given back by the broker when that broke.
            if session == self._session:
                message.ack()


class _Here:
    """The queues of this process that one receiver listens to."""

    def __init__(self, address: BrokerAddress, channel: Any) -> None:
        self._address = address
        self._channel = channel
        self._turn = threading.Lock()
        self._queues: dict[int, Queue] = {}
        self._matched: Collection[int] = ()

    def match(self, subscriptions: Collection[int]) -> list[int]:
        """Listen to just these from now on; those that are new, for which something may have come before."""
        if subscriptions is self._matched:
            return []
        self._matched = subscriptions
        wanted = set(subscriptions)
        with self._turn:
            for number in self._queues.keys() - wanted:
                del self._queues[number]
            new = sorted(wanted - self._queues.keys())
            self._queues |= {number: self._address.queue(number)(self._channel) for number in new}
        return new

    def taken(self, subscription: int) -> list[Lease]:
        """What came for a subscription; nothing where it is not listened to."""
        with self._turn:
            asked = self._queues.get(subscription)
            messages = iter(lambda: asked.get(no_ack=True), None) if asked is not None else ()
            return [lease for message in messages if (lease := _lease(message)) is not None]


def _lease(message: Any) -> Lease | None:
    """What a message names; None where it is not one of ours."""
    try:
        reference = message.decode()
        return Lease(int(reference["subscription"]), int(reference["lease"]))
    except (KombuError, LookupError, TypeError, ValueError):
        log.warning("broker.message_not_understood")
        return None


def _tell_nobody() -> None:
    """Nobody waits for an acknowledgement."""


def stay_connected(
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
        except lost(connection) as error:
            log.warning("broker.unreachable", role=role, error=type(error).__name__)
            stopping.wait(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])
            failures += 1
        finally:
            connection.release()


def reachable(address: BrokerAddress) -> bool:
    """Whether the broker answers now."""
    connection = address.connect()
    try:
        connection.ensure_connection(max_retries=1, interval_start=0.1)
    except lost(connection):
        return False
    finally:
        connection.release()
    return True


def lost(connection: Connection | None) -> tuple[type[BaseException], ...]:
    """What says that a connection (None: not made yet) is of no use any more."""
    if connection is None:
        return (OperationalError, OSError)
    return (*connection.connection_errors, *connection.channel_errors, OperationalError, OSError)
