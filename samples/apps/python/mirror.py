"""Keeps a copy of all records in a folder. Reads everything once, and what changed the next time."""

import json
import os
import sys
from pathlib import Path
from urllib.parse import quote

from bus_lamongan_client import Bus, BusError, SnapshotInvalid

CONTRACT = "layanan.katalog"
COPY, PLACE = Path("copy"), Path("copy.cursor")

try:
    bus = Bus(os.environ["BUS_URL"], os.environ["BUS_CLIENT_ID"], os.environ["BUS_CLIENT_SECRET"])
except KeyError as missing:
    sys.exit(f"Set {missing} first.")
COPY.mkdir(exist_ok=True)
pages = bus.records(CONTRACT, after=PLACE.read_text()) if PLACE.exists() else bus.snapshot(CONTRACT)
count = 0
try:
    for page in pages:
        for record in page.events:
            file = COPY / f"{quote(record['subject'], safe='')}.json"
            if record["data"] is None:
                file.unlink(missing_ok=True)
            else:
                file.write_text(json.dumps(record["data"]))
        count += len(page.events)
        PLACE.write_text(page.next)  # after the records are safe with you
except SnapshotInvalid as error:
    PLACE.unlink(missing_ok=True)  # the next run begins again
    sys.exit(f"damaged: {error}")
except BusError as error:
    sys.exit(f"stopped: {error}")
print(f"copied: {count} records")
