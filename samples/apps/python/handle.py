"""Handles the events of a subscription that is pulled. The bus remembers which of them are done."""

import os
import sys

from bus_lamongan_client import Bus, BusError, Delivery


def handle(delivery: Delivery) -> None:
    print(delivery.event["sequence"], delivery.event["subject"], delivery.event["data"])


try:
    bus = Bus(os.environ["BUS_URL"], os.environ["BUS_CLIENT_ID"], os.environ["BUS_CLIENT_SECRET"])
    subscription = os.environ["BUS_SUBSCRIPTION"]
except KeyError as missing:
    sys.exit(f"Set {missing} first.")
try:
    handled = bus.handle_each(subscription, handle)
except BusError as error:
    sys.exit(f"stopped: {error}")
print(f"handled: {handled.acknowledged} events")
