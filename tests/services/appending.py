"""Appending from processes of their own: what each of them runs."""

import asyncio
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

from bus import json
from bus.journal import Appender, Receipt, Submission
from bus.storage import Storage, open_storage


@dataclass(frozen=True, slots=True)
class Batch:
    """Events to append together: each is an id, which others may use too, and a version of its content."""

    events: tuple[tuple[int, int], ...]
    atomic: bool = True


def a_record_submission(scope: str, number: int, content: int = 0, **said: str) -> Submission:
    """A submission of a record; its number gives identity and key, so that one key has several events."""
    return Submission(
        contract_id=1,
        version_id=1,
        participant="dpmptsp",
        identity=identity(scope, number),
        key=f"{scope}-{number % 5}",
        person=None,
        body=json.dumps({"data": {"isi": content}, **said}),
    )


def identity(scope: str, number: int) -> bytes:
    """The digest that decides what is a duplicate."""
    return blake2b(f"{scope} {number}".encode(), digest_size=16).digest()


def append_all(url: str, scope: str, batches: list[Batch]) -> list[list[Receipt]]:
    """Append batches side by side, as the requests of one API process are; the receipts of each."""

    async def run() -> list[list[Receipt]]:
        appender = Appender(_storage(url), lambda position: None)
        try:
            return await asyncio.gather(*(appender.append(_made(scope, b), atomic=b.atomic) for b in batches))
        finally:
            await appender.close()

    return asyncio.run(run())


def _made(scope: str, batch: Batch) -> list[Submission]:
    return [a_record_submission(scope, number, content) for number, content in batch.events]


@cache
def _storage(url: str) -> Storage:
    return open_storage(url)
