"""What the webhook sink takes from below aiohttp's public interface is there, and does what the sink needs of it."""

import ast
import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import uvloop
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import BaseConnector, Connection
from yarl import URL

import bus
from bus.delivery.sinks.aiohttp_inside import AnswerReader, Connections, Key, Pool

_HOME: Final = Path("delivery/sinks/aiohttp_inside.py")
_PUBLIC: Final = frozenset({"aiohttp", "aiohttp.abc", "aiohttp.web"})
"""Modules that aiohttp documents."""
_OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("taken", "parameters"),
    [
        (BaseConnector.connect, ["self", "req", "traces", "timeout"]),
        (ResponseHandler.__init__, ["self", "loop"]),
        (ResponseHandler.is_connected, ["self"]),
        (ResponseHandler.connection_lost, ["self", "exc"]),
        (ResponseHandler.data_received, ["self", "data"]),
        (ResponseHandler.feed_data, ["self", "data", "size"]),
        (ResponseHandler.exception, ["self"]),
        (ResponseHandler.read, ["self"]),
        (ResponseHandler.abort, ["self"]),
        (Connection.release, ["self"]),
        (Connection.close, ["self"]),
        (aiohttp.ClientRequest.is_ssl, ["self"]),
    ],
    ids=lambda one: getattr(one, "__qualname__", ""),
)
def test_a_function_takes_what_the_sink_gives_or_overrides(taken: Callable[..., Any], parameters: list[str]):
    assert list(inspect.signature(taken).parameters) == parameters


def test_a_protocol_bounds_fields_and_unpacks_nothing_if_it_is_told_so():
    taken = {"read_until_eof", "auto_decompress", "max_headers"}
    assert taken <= inspect.signature(ResponseHandler.set_response_params).parameters.keys()


def test_only_one_file_of_the_bus_reaches_below_aiohttps_public_interface():
    folder = Path(bus.__file__).parent
    reaching = {path.relative_to(folder) for path in folder.rglob("*.py") if not aiohttp_modules(path) <= _PUBLIC}
    assert reaching == {_HOME}


def aiohttp_modules(path: Path) -> set[str]:
    """The modules of aiohttp that a file imports."""
    found: set[str] = set()
    text = path.read_text()
    for node in ast.walk(ast.parse(text)) if "aiohttp" in text else ():
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.partition(".")[0] == "aiohttp"}


async def test_a_pool_reads_every_answer_with_the_bounded_reader():
    connections = Connections()
    async with a_sink(_OK) as url, a_pool(connections) as pool:
        connection = await pool.open(Key(url), aiohttp.ClientTimeout())
        assert type(connection._connection.protocol) is AnswerReader
        assert connections.open == 1
        connection.abort()
        await until(lambda: connections.open == 0)


async def test_a_connection_that_was_released_is_used_again():
    connections = Connections()
    async with a_sink(_OK, _OK) as url, a_pool(connections) as pool:
        for _ in range(2):
            connection = await pool.open(Key(url), aiohttp.ClientTimeout())
            answer = await connection.exchange(lambda transport: transport.write(b"POST / HTTP/1.1\r\n\r\n"))
            connection.release()
            assert (answer.status, connections.open) == (200, 1)


async def test_the_answer_after_an_informational_one_counts_and_its_retry_after_is_read():
    busy = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"
    async with a_sink(busy) as url, a_pool(Connections()) as pool:
        connection = await pool.open(Key(url), aiohttp.ClientTimeout())
        answer = await connection.exchange(lambda transport: transport.write(b"POST / HTTP/1.1\r\n\r\n"))
        connection.release()
    assert answer == (503, "7")


async def test_what_is_no_answer_is_an_error_of_the_client():
    async with a_sink(b"SSH-2.0-x\r\n\r\n") as url, a_pool(Connections()) as pool:
        connection = await pool.open(Key(url), aiohttp.ClientTimeout())
        with pytest.raises(aiohttp.ClientError):
            await connection.exchange(lambda transport: transport.write(b"POST / HTTP/1.1\r\n\r\n"))
        connection.abort()


async def test_a_connection_that_ended_before_it_was_handed_over_is_not_counted():
    connections = Connections()
    connections.add(AnswerReader(asyncio.get_running_loop(), connections))
    assert connections.open == 0


def test_a_connection_whose_opening_was_cut_was_counted_as_open_for_good():
    """uvloop closes the socket then, and tells its protocol nothing."""

    async def cut() -> int:
        connections = Connections()
        async with a_sink() as url, a_pool(connections) as pool:
            opening = asyncio.ensure_future(pool.open(Key(url), aiohttp.ClientTimeout()))

            class Cutting(AnswerReader):
                def connection_made(self, transport: asyncio.BaseTransport) -> None:
                    super().connection_made(transport)
                    opening.cancel()

            pool._factory = lambda: Cutting(asyncio.get_running_loop(), connections)
            with pytest.raises(asyncio.CancelledError):
                await opening
            return connections.open

    assert uvloop.run(cut()) == 0


@asynccontextmanager
async def a_pool(connections: Connections) -> AsyncIterator[Pool]:
    pool = Pool(connections)
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def a_sink(*answers: bytes) -> AsyncIterator[URL]:
    """A server that says the next of its answers to each request of a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            for answer in answers:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield URL(f"http://{host}:{port}/")
    finally:
        server.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - a count tells nobody
            await asyncio.sleep(0.005)
