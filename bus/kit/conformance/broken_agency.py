"""A server that breaks HTTP on a real socket, in ways that no application can."""

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Thread
from typing import Final, Self

_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def _close(connection: socket.socket) -> None:
    """Say nothing."""


def _half_close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    _read_until_the_caller_goes(connection)


def _half_close_midway(connection: socket.socket) -> None:
    connection.sendall(_HEAD + b'content-length: 1000\r\n\r\n{"data": [')
    _half_close(connection)


def _stay_silent(connection: socket.socket) -> None:
    _read_until_the_caller_goes(connection)


def _stop_midway(connection: socket.socket) -> None:
    connection.sendall(_HEAD + b'content-length: 1000\r\n\r\n{"data": [')
    _read_until_the_caller_goes(connection)


def _talk_nonsense(connection: socket.socket) -> None:
    connection.sendall(b"\x00\xffSSH-2.0-dropbear\r\n\r\n")


def _send_head_without_end(connection: socket.socket) -> None:
    connection.sendall(_HEAD)
    for number in range(4096):
        connection.sendall(b"x-%d: %b\r\n" % (number, b"y" * 1000))


def _read_until_the_caller_goes(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


MANNERS: Mapping[str, Callable[[socket.socket], None]] = {
    "closes": _close,
    "half-closes": _half_close,
    "half-closes midway": _half_close_midway,
    "stays silent": _stay_silent,
    "stops midway": _stop_midway,
    "talks nonsense": _talk_nonsense,
    "sends a head without end": _send_head_without_end,
}
"""What the server does after a request's beginning, by name."""


class BrokenAgency:
    """Answers every connection in one of the `MANNERS`, from `with` to its end.

    Attributes:
        address: where it listens.
    """

    def __init__(self, manner: str) -> None:
        self._behave = MANNERS[manner]
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._connections.append(connection)
                Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            self._behave(connection)
