"""What an application's developer writes against the generated client: it has to pass a strict type check, and to run."""

import sys

from bus_api.api.events import read_event_status
from bus_api.api.feeds import read_feed
from bus_api.api.records import list_records
from bus_api.client import AuthenticatedClient
from bus_api.models import CloudEvent, EventPage, EventState, EventStatus, Problem, RecordPage


def read_subjects(client: AuthenticatedClient, contract: str) -> list[str]:
    """The keys of all records."""
    page = list_records.sync(contract, client=client)
    if not isinstance(page, RecordPage):
        raise SystemExit(page.title if isinstance(page, Problem) else "no answer")
    return [str(record.subject) for record in page.records if record.data is not None]


def read_positions(client: AuthenticatedClient, contract: str) -> list[int]:
    """The positions of the first events of a feed."""
    page = read_feed.sync(contract, client=client, limit=10)
    if not isinstance(page, EventPage):
        raise SystemExit("no feed")
    events: list[CloudEvent] = page.events
    return [int(event.sequence) for event in events]


def find_state(client: AuthenticatedClient, source: str, id: str) -> EventState:
    """What became of an event."""
    status = read_event_status.sync(client=client, source=source, id=id)
    if not isinstance(status, EventStatus):
        raise SystemExit("no answer")
    return status.state


def main(address: str, token: str, contract: str, source: str, id: str) -> None:
    """Print what the bus has."""
    with AuthenticatedClient(address, token) as client:
        print(read_positions(client, contract), read_subjects(client, contract), find_state(client, source, id).value)


if __name__ == "__main__":
    main(*sys.argv[1:])
