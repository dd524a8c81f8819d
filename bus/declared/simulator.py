"""A simulator of the API that a document describes: it gives the answers of the document's examples.

It knows as much as the examples say. It holds each request that an example takes, once. So it stands in for an agency until
somebody writes a better one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from bus import json
from bus.declared.auth import list_secrets
from bus.declared.document import AdapterDocument, ApiKey, Login, OAuth2
from bus.declared.example import Example, ExampleRequest
from bus.kit import OUTAGES, SimulatedFaults, Simulator, make_simulator_app

_TOKEN: Final = "token-simulasi"  # noqa: S105 - the simulator's own
_NOT_HERE: Final = {"message": "Tidak ada contoh untuk permintaan ini"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, as examples describe requests."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any


def make_simulator(document: AdapterDocument) -> Simulator:
    """The simulator of a document. Its settings are those of the adapter, with made-up secrets for this machine."""

    def create_app(faults: SimulatedFaults) -> Any:
        # Imported here, since a bus without simulators needs none of it.
        from fastapi import Request, Response

        received: list[Any] = []
        held: dict[bytes, Any] = {}
        app = make_simulator_app(document.agency, faults, received, lambda: {"taken": [*held.values()]} if held else {})

        @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
        async def answer(request: Request) -> Response:
            path, body = request.url.path, await request.body()
            if (token := _find_token(document, path)) is not None:
                return Response(json.dumps(token), media_type="application/json")
            if "login" in faults or not _shows_account(document, request.headers, request.query_params):
                return Response(json.dumps({"message": "Akses ditolak"}), 401, media_type="application/json")
            asked = _Asked(
                request.method, path, _drop_keys(document, request.query_params), _read_body(request.headers, body)
            )
            told = {"method": asked.method, "path": asked.path, "query": dict(asked.query), "body": asked.body}
            received.append(told)
            example = _find_example(document, asked)
            if asked.method != "GET" and example is not None and _is_taken(example):
                held.setdefault(json.dump_canonical(told), told)
            content, status, headers, kind = _write_answer(example)
            return Response(content, status, headers, media_type=kind)

        return app

    secrets = {name for auth in document.auth for name in list_secrets(auth)}
    settings = {name: f"simulasi-{name}" for name in sorted(secrets)} | {
        f"{name}_hosts": "127.0.0.1" for name in sorted(secrets)
    }
    return Simulator(create_app, {**OUTAGES, "login": "the agency refuses the account with 401"}, settings)


def _write_answer(example: Example | None) -> tuple[str | bytes, int, dict[str, str], str]:
    """Content, status, headers and media type of the answer."""
    if example is None:
        return json.dumps(_NOT_HERE), 404, {}, "application/json"
    told = example.answer
    if told.text is not None:
        return told.text, told.status, dict(told.headers), "text/plain"
    return b"" if told.body is None else json.dumps(told.body), told.status, dict(told.headers), "application/json"


def _find_token(document: AdapterDocument, path: str) -> dict[str, Any] | None:
    """The answer to a request for a token; None if the path is no token's."""
    for auth in document.auth:
        if isinstance(auth, OAuth2) and path == urlsplit(auth.token_path).path:
            return _nest(auth.token)
        if isinstance(auth, Login) and path == auth.path:
            return _nest(auth.token)
    return None


def _nest(expression: str) -> dict[str, Any]:
    """An answer in which a simple expression, such as `data.token`, finds the token."""
    answer: Any = _TOKEN
    for name in reversed(expression.split(".")):
        answer = {name: answer}
    return {"expires_in": 3600, **answer}


def _shows_account(document: AdapterDocument, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
    for auth in document.auth:
        match auth:
            case OAuth2() | Login():
                if headers.get(auth.header) != f"{auth.scheme} {_TOKEN}".strip():
                    return False
            case ApiKey():
                if not (headers if auth.place == "header" else query).get(auth.name):
                    return False
            case _:
                continue
    return True


def _drop_keys(document: AdapterDocument, query: Mapping[str, str]) -> dict[str, str]:
    keys = {auth.name for auth in document.auth if isinstance(auth, ApiKey)}
    return {name: value for name, value in query.items() if name not in keys}


def _read_body(headers: Mapping[str, str], body: bytes) -> Any:
    if not body:
        return None
    if headers.get("content-type", "").startswith("application/json"):
        try:
            return json.loads(body)
        except ValueError:
            return None
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _find_example(document: AdapterDocument, asked: _Asked) -> Example | None:
    """The example with this request; else the first of the same path that the agency takes."""
    same = [(request, example) for request, example in _list_requests(document) if _is_same_path(request, asked)]
    exact = (example for request, example in same if request.query == asked.query and request.body == asked.body)
    taken = (example for _, example in same if _is_taken(example))
    return next(exact, None) or next(taken, None)


def _is_taken(example: Example) -> bool:
    """Whether the agency does what the example's request asks."""
    return example.answer.status < 300 and example.failure is None


def _list_requests(document: AdapterDocument) -> Iterator[tuple[ExampleRequest, Example]]:
    for operation in document.operations:
        for example in operation.examples:
            if example.request is not None:
                yield example.request, example


def _is_same_path(request: ExampleRequest, asked: _Asked) -> bool:
    return request.method == asked.method and request.path == asked.path
