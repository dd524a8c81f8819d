"""A TCP proxy that a test cuts and restores: what a network, or a server that is started again, does to its clients."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress


class Proxy:
    """Forwards to one server. While it is cut, connections are closed and new ones refused."""

    def __init__(self, host: str, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self._target = (host, port)
        self._loop = loop
        self._server: asyncio.Server | None = None
        self._flows: set[asyncio.Task[None]] = set()
        self.port = 0

    def cut(self) -> None:
        """Close every connection, and refuse new ones."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)

    def restore(self) -> None:
        """Listen again at the same port."""
        asyncio.run_coroutine_threadsafe(self.listen(), self._loop).result(10)

    async def listen(self) -> None:
        """Listen, at first at a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for flow in list(self._flows):
            flow.cancel()
        if self._flows:
            await asyncio.wait(self._flows)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flow = asyncio.current_task()
        assert flow is not None
        self._flows.add(flow)
        ends = [writer]
        try:
            there, back = await asyncio.open_connection(*self._target)
            ends.append(back)
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        except asyncio.CancelledError:
            pass
        finally:
            self._flows.discard(flow)
            for end in ends:
                end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def a_proxy(host: str, port: int) -> Iterator[Proxy]:
    """A proxy to a server, in a thread of its own."""
    loop = asyncio.new_event_loop()
    listening: Future[Proxy] = Future()
    stopping = asyncio.Event()

    async def run() -> None:
        proxy = Proxy(host, port, loop)
        await proxy.listen()
        listening.set_result(proxy)
        await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    proxy = listening.result(10)
    try:
        yield proxy
    finally:
        proxy.cut()
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
        loop.close()
