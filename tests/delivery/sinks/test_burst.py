import asyncio

from bus.delivery.sinks.burst import Burst


class AConnection:
    """Notes what is written to it in a log that it shares with others."""

    def __init__(self, log: list[bytes]) -> None:
        self._log = log
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes, /) -> None:
        # As uvloop's: a closed one would raise, and nothing behind it be written.
        assert not self.closing
        self._log.append(data)


async def test_what_is_written_in_one_turn_goes_out_together_and_in_order():
    log: list[bytes] = []
    burst, one, other = Burst(), AConnection(log), AConnection(log)

    async def work(connection: AConnection, data: bytes) -> None:
        burst.write(connection, data)
        log.append(b"work")

    await asyncio.gather(work(one, b"1"), work(other, b"2"), work(one, b"3"))
    await asyncio.sleep(0)

    assert log == [b"work", b"work", b"work", b"1", b"2", b"3"]


async def test_the_next_turn_has_a_burst_of_its_own():
    log: list[bytes] = []
    burst, connection = Burst(), AConnection(log)
    burst.write(connection, b"1")
    await asyncio.sleep(0)
    burst.write(connection, b"2")
    await asyncio.sleep(0)

    assert log == [b"1", b"2"]


async def test_a_connection_that_closes_meanwhile_does_not_keep_the_others_from_their_requests():
    log: list[bytes] = []
    burst, broken, sound = Burst(), AConnection(log), AConnection(log)
    burst.write(broken, b"1")
    burst.write(sound, b"2")
    broken.closing = True
    await asyncio.sleep(0)

    assert log == [b"2"]
