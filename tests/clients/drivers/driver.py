"""Does with the Python client what it reads from its input, line by line. With `--async`: with the one for asyncio."""

import asyncio
import inspect
import json
import sys
import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

import bus_lamongan_client as client

ASYNC = "--async" in sys.argv
LOOP = asyncio.new_event_loop()


class HandlerFailed(Exception):
    """What a handler raises when the case wants it."""


class Driver:
    def __init__(self) -> None:
        self.pauses: list[float] = []

    def open(self, url: str, id: str, secret: str, source: str, spool: str, options: dict[str, Any]) -> None:
        make = client.AsyncBus if ASYNC else client.Bus
        self.bus: Any = make(url, id, secret, source=source, pause=self.pause_async if ASYNC else self.pauses.append)
        self.path, self.options = spool, options
        self.reopen()

    async def pause_async(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def reopen(self) -> None:
        if hasattr(self, "spool"):
            self.spool.close()
        make = client.AsyncSpool if ASYNC else client.Spool
        self.spool: Any = make(self.path, self.bus, **self.options)

    def do(self, op: str, **step: Any) -> Any:
        match op:
            case "open" | "spool.reopen":
                return getattr(self, op.removeprefix("spool."))(**step)
            case "feed" | "records" | "snapshot":
                return [plain(page) for page in self.pages(op, **step)]
            case "copy":
                return self.copy(**step)
            case "count_snapshot":
                return self.count(**step)
            case "handle_each":
                return self.handle_each(**step)
            case "verify_webhook":
                return client.verify_webhook(step["secret"], step["headers"], step["body"].encode())
            case "spool.fill":
                return self.fill(**step)
            case "spool.mend_as_it_was":
                (refused,) = [one for one in wait(self.spool.list_refused()) if one.number == step["number"]]
                return wait(self.spool.mend(refused.number, refused.event))
            case _:
                of, _, method = op.rpartition(".")
                return plain(wait(getattr(self.spool if of else self.bus, method)(**step)))

    def pages(self, op: str, pages: int = 99, **step: Any) -> list[Any]:
        found = getattr(self.bus, op)(**step)
        if not ASYNC:
            return list(islice(found, pages))
        return LOOP.run_until_complete(take(found, pages))

    def copy(self, contract: str, limit: int) -> list[str]:
        """The keys of all records, as a program gets them that goes on where it stopped."""
        subjects: list[str] = []
        after, is_whole = "", False
        while not is_whole:
            try:
                found = self.bus.snapshot(contract, after, limit=limit)
                while (page := wait(anext(found, None)) if ASYNC else next(found, None)) is not None:
                    subjects += [event["subject"] for event in page.events]
                    after = page.next
                is_whole = True
            except client.Unreachable:
                continue
        return subjects

    def count(self, contract: str) -> int:
        found = self.bus.snapshot(contract)
        if not ASYNC:
            return sum(len(page.events) for page in found)
        return LOOP.run_until_complete(count(found))

    def handle_each(
        self, fails: Sequence[str] = (), takes: float = 0, goes_on: bool = False, **step: Any
    ) -> dict[str, Any]:
        """What the loop did, with the ids of the events that were handled, and of those whose handler failed."""
        handled: list[str] = []
        failed: list[str] = []

        def handle(delivery: client.Delivery) -> None:
            time.sleep(takes)
            if delivery.event["id"] in fails:
                raise HandlerFailed
            handled.append(delivery.event["id"])

        async def handle_async(delivery: client.Delivery) -> None:
            handle(delivery)

        def note(delivery: client.Delivery, failure: Exception) -> None:
            failed.append(delivery.event["id"])

        on_failure = note if goes_on else None
        try:
            work = self.bus.handle_each(handle=handle_async if ASYNC else handle, on_failure=on_failure, **step)
            return {**plain(wait(work)), "handled": handled, "failed": failed}
        except HandlerFailed as failure:
            return {"error": type(failure).__name__, "handled": handled}

    def fill(self, event: dict[str, Any], most: int, bytes: int = 0) -> dict[str, Any]:
        for count in range(most):
            try:
                wait(self.spool.publish(event | {"data": {**event["data"], "fill": "x" * bytes}}))
            except client.SpoolFull:
                return {"filled": True, "count": count}
        return {"filled": False, "count": most}


async def take(found: Any, pages: int) -> list[Any]:
    taken: list[Any] = []
    async for page in found:
        taken.append(page)
        if len(taken) == pages:
            break
    return taken


async def count(found: Any) -> int:
    counted = 0
    async for page in found:
        counted += len(page.events)
    return counted


def wait(result: Any) -> Any:
    return LOOP.run_until_complete(result) if inspect.isawaitable(result) else result


def plain(value: Any) -> Any:
    """A value of the client as JSON can hold it."""
    if isinstance(value, client.BusError):
        return type(value).__name__
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def main() -> None:
    driver = Driver()
    for line in sys.stdin:
        driver.pauses.clear()
        try:
            result = driver.do(**json.loads(line))
        except client.BusError as error:
            result = {"error": type(error).__name__, "retry_after": getattr(error, "retry_after", None)}
            if isinstance(error, client.CursorGone):
                result["next"] = error.next
            if isinstance(error, client.Refused):
                result |= {
                    name: plain(getattr(error, name)) for name in ("status", "type", "title", "detail", "errors")
                }
        print(json.dumps({"result": result, "pauses": driver.pauses}), flush=True)


main()
