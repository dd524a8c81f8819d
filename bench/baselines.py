"""What the publishing endpoint is measured against: programs that parse an event and answer, and keep nothing."""

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from bus import json

_ANSWER = b'{"position":1,"duplicate":false}'

bare_fastapi = FastAPI()


@bare_fastapi.post("/v1/events")
async def accept(request: Request) -> JSONResponse:
    """The leanest that FastAPI writes: no model, no dependency."""
    event = await request.json()
    return JSONResponse({"position": len(event), "duplicate": False}, 202)


async def raw_asgi(scope: Any, receive: Any, send: Any) -> None:
    """The same without a framework, with the bus's own JSON parser."""
    message = await receive()
    parts = [message.get("body", b"")]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    json.loads(b"".join(parts))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_ANSWER))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": _ANSWER})


APPS: dict[str, Any] = {"fastapi": bare_fastapi, "asgi": raw_asgi}


def main() -> None:
    """Serve one of them: `python -m bench.baselines fastapi 8000`."""
    name, port = sys.argv[1:]
    uvicorn.run(
        APPS[name],
        port=int(port),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
    )


if __name__ == "__main__":
    main()
