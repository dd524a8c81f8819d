"""Whether a broker can be reached, and whether it takes messages.

RabbitMQ holds publishers back while its memory or disk is nearly full. It still takes the first message of a connection, and
reads nothing from it then. So a look publishes two messages, which go to no queue.
"""

from enum import Enum
from typing import Final

from amqp.exceptions import AccessRefused, NotAllowed
from kombu.messaging import Producer

from bus.delivery.handover.broker import BrokerAddress, list_losses

_CONFIRM_SECONDS: Final = 1.0


class Reach(Enum):
    """How a process reaches the broker."""

    TAKES = "connected"
    HOLDS_BACK = "RabbitMQ holds publishers back: its memory or disk is nearly full (rabbitmqctl list_alarms)"
    REFUSES = "the broker refuses the user, the password or the virtual host; correct BUS_BROKER_URL, and start again"
    AWAY = "not connected; trying again"


def look_for(address: BrokerAddress) -> Reach:
    """How the broker answers now. It may block for a second."""
    told: list[str] = []
    connection = address.connect(on_blocked=told.append)
    try:
        connection.ensure_connection(max_retries=1, interval_start=0.1)
        producer = Producer(connection.channel())
        for _ in range(2):
            producer.publish(
                b"", routing_key=f"{address.prefix}.nobody", delivery_mode=1, confirm_timeout=_CONFIRM_SECONDS
            )
    except (AccessRefused, NotAllowed):
        return Reach.REFUSES
    except list_losses(connection):
        if connection.connected:
            # An orderly end would wait for an answer, for ever if the broker does not read.
            connection.connection.collect()
        return Reach.HOLDS_BACK if told else Reach.AWAY
    finally:
        connection.release()
    return Reach.TAKES
