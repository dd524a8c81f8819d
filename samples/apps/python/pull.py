"""Reads what is new in a feed. Keeps its place in a file, and goes on from there the next time."""

import os
import sys
from pathlib import Path

from bus_lamongan_client import Bus, BusError

PLACE = Path("layanan.katalog.cursor")

try:
    bus = Bus(os.environ["BUS_URL"], os.environ["BUS_CLIENT_ID"], os.environ["BUS_CLIENT_SECRET"])
except KeyError as missing:
    sys.exit(f"Set {missing} first.")
cursor = PLACE.read_text() if PLACE.exists() else ""
count = 0
try:
    for page in bus.feed("layanan.katalog", after=cursor):
        for event in page.events:
            print(event["sequence"], event["subject"], event["data"])
        count += len(page.events)
        PLACE.write_text(page.next)  # after the events are safe with you
except BusError as error:
    sys.exit(f"stopped: {error}")
print(f"pulled: {count} events")
