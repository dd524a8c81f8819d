"""The baseline of webhook deliveries: an aiohttp client that posts the same bytes in a loop, and does nothing else.

`python -m bench.poster URL FILE CONCURRENCY`; FILE holds bodies, one a line.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

import aiohttp
import uvloop


async def post(url: str, bodies: list[bytes], concurrency: int) -> None:
    """Post until killed."""
    numbers = count()
    headers = {"content-type": "application/cloudevents+json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:

        async def lane() -> None:
            for number in numbers:
                async with session.post(url, data=bodies[number % len(bodies)]) as answer:
                    await answer.read()

        await asyncio.gather(*(lane() for _ in range(concurrency)))


if __name__ == "__main__":
    uvloop.run(post(sys.argv[1], Path(sys.argv[2]).read_bytes().split(b"\n"), int(sys.argv[3])))
