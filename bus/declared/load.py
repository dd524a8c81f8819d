"""Loads adapter documents: reads YAML or JSON, checks the form, and checks that the document's names fit together."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from pydantic import TypeAdapter, ValidationError

from bus import json
from bus.contracts import read_yaml
from bus.declared.auth import list_secrets
from bus.declared.document import (
    AdapterDocument,
    ApiKey,
    Auth,
    Login,
    OAuth2,
    Operation,
    Poll,
    Push,
    Request,
    Signature,
)
from bus.declared.errors import AdapterInvalid
from bus.declared.example import Example
from bus.declared.proof_check import find_wrong_proof
from bus.kit import AdapterSettings, BaseUrl
from bus.problem import FieldError, Refused

LARGEST: Final = 512 * 1024
"""Most bytes of a document."""

_PLACE: Final = re.compile(r"\{([a-z0-9_]+)\}")
_TEXTS: Final = frozenset({"id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "publisher"})
"""Attributes of an example's event that are texts."""
_ADDRESS: Final[TypeAdapter[str]] = TypeAdapter(BaseUrl)
_FRAMING: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that say to which server a request goes, and where it ends (RFC 9110, sections 7.2 and 7.6; RFC 9112, section 6)."""
_RESERVED: Final = frozenset(AdapterSettings.model_fields) | {"server"}


def load_document(path: Path) -> AdapterDocument:
    """The document in a file.

    Raises:
        AdapterInvalid: the file cannot be read, or the document has errors.
    """
    return check_document(load_body(path))


def load_body(path: Path) -> Any:
    """The JSON value in a file, YAML or JSON; nothing of it is checked.

    Raises:
        AdapterInvalid: the file cannot be read.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise AdapterInvalid(f"{path}: {error.strerror}") from None
    return read_body(text)


def read_document(text: bytes) -> AdapterDocument:
    """The document in a text, YAML or JSON.

    Raises:
        AdapterInvalid: with a pointer to each error.
    """
    return check_document(read_body(text))


def read_body(text: bytes) -> Any:
    """The JSON value in a text, YAML or JSON; nothing of it is checked.

    Raises:
        AdapterInvalid: the text is too long, or neither.
    """
    if len(text) > LARGEST:
        raise AdapterInvalid(f"An adapter document has at most {LARGEST // 1024} KiB.")
    try:
        return read_yaml(text)
    except Refused as refusal:
        raise AdapterInvalid(refusal.detail, errors=refusal.errors) from None


def check_document(body: Any) -> AdapterDocument:
    """The document that a JSON value is.

    Raises:
        AdapterInvalid: with a pointer to each error.
    """
    try:
        document = AdapterDocument.model_validate(body)
    except ValidationError as error:
        wrong = [
            FieldError(_find_pointer(body, item["loc"]), item["msg"]) for item in error.errors(include_input=False)
        ]
        raise AdapterInvalid("The adapter document has errors.", errors=wrong) from None
    if wrong := list(_find_wrong_names(document)):
        raise AdapterInvalid("The adapter document's names do not fit together.", errors=wrong)
    return document


def write_schema() -> dict[str, Any]:
    """The JSON Schema of adapter documents, as `schemas/adapter.schema.json` has it."""
    made = AdapterDocument.model_json_schema(by_alias=True)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://bus.lamongankab.go.id/schemas/adapter.schema.json",
    }
    return head | {"title": "Adapter document"} | {name: part for name, part in made.items() if name != "title"}


def _find_pointer(body: Any, location: Sequence[str | int]) -> str:
    """The pointer of an error. The location also names the kinds that pydantic chose, which are no places."""
    value, path = body, list[str | int]()
    for at, part in enumerate(location):
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif at < len(location) - 1:
            continue
        path.append(part)
    return json.to_pointer(path)


def _find_wrong_names(document: AdapterDocument) -> Iterator[FieldError]:
    if not document.title.isprintable():
        yield FieldError("/title", "holds characters that nobody sees, such as control characters")
    for at, server in enumerate(document.servers):
        if not _is_address(server.url):
            yield FieldError(f"/servers/{at}/url", "is no address that the bus can call")
    for at, auth in enumerate(document.auth):
        for name in list_secrets(auth):
            if name not in document.secrets:
                yield FieldError(f"/auth/{at}", f"uses the secret {name}, which `secrets` does not name")
        if isinstance(auth, Signature) and auth.algorithm.startswith("hmac") and auth.key is None:
            yield FieldError(f"/auth/{at}/key", "an HMAC needs a key")
        for name in sorted(_FRAMING & {one.lower() for one in _list_headers(auth)}):
            yield FieldError(f"/auth/{at}", f"the header {name} is the bus's own, since it leads or ends the request")
    names = [*document.settings, *document.secrets, *(f"{name}_hosts" for name in document.secrets)]
    for name, count in Counter(names).items():
        if count > 1 or name in _RESERVED:
            yield FieldError("/settings", f"{name} is the name of another setting too")
    for name, count in Counter(operation.name for operation in document.operations).items():
        if count > 1:
            yield FieldError("/operations", f"{name} is the name of several operations")
    for at, operation in enumerate(document.operations):
        yield from _find_wrong_operation(document, operation, f"/operations/{at}")


def _list_headers(auth: Auth) -> list[str]:
    """The headers that a kind of auth writes, by the names that the document gives."""
    match auth:
        case OAuth2() | Login():
            return [auth.header]
        case ApiKey():
            return [auth.name] if auth.place == "header" else []
        case Signature():
            return [auth.header, auth.time_header or auth.header]
        case _:
            return []


def _is_address(url: str) -> bool:
    try:
        # The host's own name, and a port that there is. The encoding of a name (IDNA) is a ValueError.
        return bool(httpx.URL(_ADDRESS.validate_python(url)).host) and urlsplit(url).port != 0
    except (ValueError, httpx.InvalidURL):
        return False


def _find_wrong_operation(document: AdapterDocument, operation: Operation, at: str) -> Iterator[FieldError]:
    if operation.least.is_about_persons and operation.person is None:
        yield FieldError(at, "carries personal data: name the `person` that they are about")
    for number, example in enumerate(operation.examples):
        yield from _find_wrong_example(example, f"{at}/examples/{number}")
    if isinstance(operation, Poll):
        yield from _find_wrong_request(document, operation.request, f"{at}/request")
        yield from _find_wrong_paging(operation, at)
        return
    if isinstance(operation, Push):
        yield from find_wrong_proof(document, operation, f"{at}/verify")
        return
    for number, request in enumerate(operation.requests):
        yield from _find_wrong_request(document, request, f"{at}/requests/{number}")


def _find_wrong_example(example: Example, at: str) -> Iterator[FieldError]:
    for name, value in example.answer.headers.items():
        if not (name.isascii() and value.isascii() and (name + value).isprintable()):
            yield FieldError(f"{at}/answer/headers", "must be printable ASCII")
    for number, event in enumerate(example.events):
        for name in sorted(_TEXTS & event.keys()):
            if not isinstance(event[name], str):
                yield FieldError(f"{at}/events/{number}/{name}", "must be a text")


def _find_wrong_request(document: AdapterDocument, request: Request, at: str) -> Iterator[FieldError]:
    known = {*request.values, *document.settings}
    for name in sorted(set(_PLACE.findall(request.path)) - known):
        yield FieldError(f"{at}/path", f"{{{name}}} is neither a value of the request nor a setting")
    for name in sorted(request.headers):
        if name.lower() in _FRAMING:
            detail = "is the bus's own header, since it leads or ends the request"
            yield FieldError(f"{at}/headers/{name}", detail)
    if request.body is not None and (request.body.json_ is None) == (request.body.form is None):
        yield FieldError(f"{at}/body", "must have either `json` or `form`")


def _find_wrong_paging(operation: Poll, at: str) -> Iterator[FieldError]:
    paging = operation.paging
    if operation.is_whole and paging is not None and not paging.together:
        yield FieldError(f"{at}/is_whole", "a list in pages is whole only if its pages are `together`")
    if paging is not None and paging.kind == "cursor" and paging.next is None:
        yield FieldError(f"{at}/paging", "a cursor needs `next`")
