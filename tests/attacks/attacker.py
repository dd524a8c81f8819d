"""An attacker in a process of its own: sends one request again and again, on several connections, until its input ends.

Its first argument is a JSON file with `host`, `port`, `at_once`, `method`, `path` and `headers`, its second the file of the body.
At the end it prints the statuses of the answers as JSON.
"""

import http.client
import json
import sys
import threading
from pathlib import Path
from typing import Any


def main() -> None:
    """Attack."""
    order = json.loads(Path(sys.argv[1]).read_bytes())
    body = Path(sys.argv[2]).read_bytes()
    stopping = threading.Event()
    statuses: set[int] = set()
    threads = [
        threading.Thread(target=_go_on, args=(order, body, stopping, statuses), daemon=True)
        for _ in range(order["at_once"])
    ]
    for thread in threads:
        thread.start()
    print("begun", flush=True)
    sys.stdin.read()
    stopping.set()
    for thread in threads:
        thread.join(60)
    print(json.dumps(sorted(statuses)))


def _go_on(order: dict[str, Any], body: bytes, stopping: threading.Event, statuses: set[int]) -> None:
    connection = http.client.HTTPConnection(order["host"], order["port"], timeout=60)
    while not stopping.is_set():
        try:
            connection.request(order["method"], order["path"], body or None, order["headers"])
            answer = connection.getresponse()
            answer.read()
            statuses.add(answer.status)
        except (OSError, http.client.HTTPException):
            # The bus may close a connection before it took the whole body.
            connection.close()


if __name__ == "__main__":
    main()
