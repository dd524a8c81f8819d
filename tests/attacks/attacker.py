"""An attacker in a process of its own: sends the same bytes again and again, on several connections, until its input ends.

Its first argument is a JSON file: `host`, `port`, `sources` (its own addresses), `at_once` (connections), `reconnects` (whether
each request has a new connection). Its second argument is the file of the bytes. At the end it prints how often each status was
answered, as JSON.
"""

import http.client
import itertools
import json
import socket
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any


def main() -> None:
    """Attack."""
    order = json.loads(Path(sys.argv[1]).read_bytes())
    request = Path(sys.argv[2]).read_bytes()
    stopping = threading.Event()
    statuses: Counter[int] = Counter()
    sources = itertools.islice(itertools.cycle(order["sources"]), order["at_once"])
    threads = [
        threading.Thread(target=_go_on, args=(order, source, request, stopping, statuses), daemon=True)
        for source in sources
    ]
    for thread in threads:
        thread.start()
    print("begun", flush=True)
    sys.stdin.read()
    stopping.set()
    for thread in threads:
        thread.join(60)
    print(json.dumps(statuses))


def _go_on(
    order: dict[str, Any], source: str, request: bytes, stopping: threading.Event, statuses: Counter[int]
) -> None:
    connection: socket.socket | None = None
    while not stopping.is_set():
        try:
            if connection is None:
                connection = socket.create_connection((order["host"], order["port"]), 60, (source, 0))
            connection.sendall(request)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            statuses[answer.status] += 1
            is_over = answer.will_close or order["reconnects"]
        except (OSError, http.client.HTTPException):
            # The bus may close a connection before it took the whole body.
            is_over = True
        if is_over and connection is not None:
            connection.close()
            connection = None


if __name__ == "__main__":
    main()
