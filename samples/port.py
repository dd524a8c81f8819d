"""A port for a server that starts a moment later."""

import random
import socket
from typing import Final

_PORTS: Final = range(10_000, 32_768)
"""Linux takes the ports of outgoing connections from 32,768 on, and may take a free one before its server starts."""


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on and that no outgoing connection takes."""
    while True:
        port = random.choice(_PORTS)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
