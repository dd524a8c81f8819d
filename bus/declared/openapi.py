"""OpenAPI files, 3.0 and 3.1: the operations of an agency's API, its servers, and how callers show who they are."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from bus.contracts import read_yaml
from bus.declared.errors import OpenApiInvalid
from bus.declared.shape import Shape, ShapeReader, take_text
from bus.problem import Refused

METHODS: Final = ("get", "post", "put", "patch", "delete")
_STATUS: Final = re.compile(rb"(^[ \t]*|[{,]\s*)([1-5][0-9]{2}):(?=\s)", re.MULTILINE)
"""A status without quotes is a number in YAML, and names are texts in JSON."""
_SERVER: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_JSON: Final = re.compile(r"application/([a-z0-9.+-]+\+)?json")
_SUCCESS: Final = re.compile("2[0-9]{2}")
_FORM: Final = "application/x-www-form-urlencoded"
_LONGEST_URL: Final = 500
_LONGEST_TITLE: Final = 1000
UNKNOWN_SERVER: Final = "https://alamat-instansi.example"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `place`: path, query or header."""

    name: str
    place: str
    is_required: bool
    shape: Shape


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """One operation.

    Attributes:
        method: in capitals.
        body: the body's shape; None: no body.
        is_form: the body is a form.
        status: the status of success.
        answer: the answer's shape; None: no JSON.
    """

    method: str
    path: str
    id: str
    title: str
    parameters: Sequence[Parameter]
    body: Shape | None
    is_form: bool
    status: int
    answer: Shape | None


@dataclass(frozen=True, slots=True)
class Scheme:
    """A security scheme that operations ask for. `said` is what the file says of it."""

    name: str
    said: Mapping[str, Any]
    scopes: Sequence[str]


class OpenApi:
    """An OpenAPI file. References lead inside the file alone; nothing is fetched."""

    def __init__(self, text: bytes) -> None:
        """Read a text, YAML or JSON, of at most 1 MiB.

        Raises:
            OpenApiInvalid: the text is no OpenAPI 3.0 or 3.1.
        """
        self._root = _read(text)
        version = self._root.get("openapi") if isinstance(self._root, dict) else None
        if not str(version).startswith(("3.0", "3.1")):
            raise OpenApiInvalid("This is no OpenAPI file of version 3.0 or 3.1; convert it first.")
        self._reader = ShapeReader(self._root)

    def list_operations(self) -> list[tuple[str, str, str]]:
        """Method, path and title of each operation."""
        return [(method.upper(), path, _title(said)) for path, method, said, _ in self._list()]

    def read_operation(self, method: str, path: str) -> ApiOperation:
        """One operation with its shapes.

        Raises:
            OpenApiInvalid: there is none, or its schemas cannot be read.
        """
        for at, word, said, item in self._list():
            if (word, at) == (method.lower(), path):
                return self._read(word, at, said, item)
        raise OpenApiInvalid(f"The file has no operation {method.upper()} {path}; without --operation all are listed.")

    def list_servers(self) -> list[str]:
        """The addresses that the bus can call; one to be replaced, if the file has none."""
        found = [_fill_server(self._reader.resolve(one)) for one in _items(self._root.get("servers"))]
        return list(dict.fromkeys(url for url in found if _SERVER.fullmatch(url)))[:10] or [UNKNOWN_SERVER]

    def list_schemes(self, chosen: Sequence[ApiOperation]) -> list[Scheme]:
        """The security schemes of the operations. Of alternatives the first counts."""
        components = self._reader.resolve(self._root.get("components"))
        declared = self._reader.resolve(components.get("securitySchemes"))
        names = {(one.method.lower(), one.path) for one in chosen}
        wanted: dict[str, list[str]] = {}
        for path, method, said, _ in self._list():
            if (method, path) in names:
                first: Any = next(iter(_items(said.get("security", self._root.get("security")))), {})
                for name, scopes in self._reader.resolve(first).items():
                    wanted.setdefault(name, []).extend(one for one in _items(scopes) if isinstance(one, str))
        return [
            Scheme(name, self._reader.resolve(declared.get(name)), list(dict.fromkeys(scopes)))
            for name, scopes in wanted.items()
        ]

    def _list(self) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
        for path, item in self._reader.resolve(self._root.get("paths")).items():
            found = self._reader.resolve(item)
            for method in METHODS:
                if isinstance(found.get(method), dict):
                    yield path, method, found[method], found

    def _read(self, method: str, path: str, said: Mapping[str, Any], item: Mapping[str, Any]) -> ApiOperation:
        named: dict[tuple[str, str], Parameter] = {}
        for one in [*_items(item.get("parameters")), *_items(said.get("parameters"))]:
            found = self._reader.resolve(one)
            name, place = str(found.get("name", "")), str(found.get("in", ""))
            if name and place in ("path", "query", "header"):
                named[name, place] = Parameter(name, place, found.get("required") is True, self._read_value(found))
        body, is_form = self._read_content(self._reader.resolve(said.get("requestBody")))
        status, answer = self._read_success(self._reader.resolve(said.get("responses")))
        return ApiOperation(
            method.upper(),
            path,
            str(said.get("operationId", "")),
            _title(said),
            list(named.values()),
            body,
            is_form,
            status,
            answer,
        )

    def _read_success(self, responses: Mapping[str, Any]) -> tuple[int, Shape | None]:
        """Status and shape of the first answer that means success."""
        for name in sorted(responses):
            if name.startswith("2"):
                answer, _ = self._read_content(self._reader.resolve(responses[name]))
                return int(name) if _SUCCESS.fullmatch(name) else 200, answer
        return 200, None

    def _read_content(self, holder: Mapping[str, Any]) -> tuple[Shape | None, bool]:
        """The shape of the first content that the bus can write and read, and whether it is a form."""
        content = self._reader.resolve(holder.get("content"))
        for media, said in content.items():
            kind = media.partition(";")[0].strip().lower()
            if _JSON.fullmatch(kind) or kind in (_FORM, "*/*"):
                return self._read_value(self._reader.resolve(said)), kind == _FORM
        return None, False

    def _read_value(self, holder: Mapping[str, Any]) -> Shape:
        """The shape of a parameter or a content, whose own example counts before its schema's."""
        shape = self._reader.read(holder.get("schema", {}))
        examples = self._reader.resolve(holder.get("examples"))
        first = self._reader.resolve(next(iter(examples.values()), None)).get("value")
        example = holder.get("example", first)
        if "in" in holder and (said := take_text(holder.get("description"))):
            shape = replace(shape, description=said)
        return shape if example is None else replace(shape, example=example)


def _read(text: bytes) -> Any:
    """The value of a text. If it cannot be read, statuses are put in quotes first."""
    try:
        return read_yaml(text)
    except Refused:
        pass
    try:
        return read_yaml(_STATUS.sub(rb'\1"\2":', text))
    except Refused as refusal:
        raise OpenApiInvalid(f"The OpenAPI file cannot be read: {refusal.detail}") from None


def _fill_server(server: Mapping[str, Any]) -> str:
    """The address of a server, with the defaults of its variables."""
    variables = server.get("variables")

    def fill(place: re.Match[str]) -> str:
        said = variables.get(place.group(1)) if isinstance(variables, dict) else None
        return str(said.get("default", "")) if isinstance(said, dict) else ""

    url = _PLACE.sub(fill, str(server.get("url", ""))[:_LONGEST_URL]).rstrip("/")
    return url if has_host(url) else ""


def has_host(url: str) -> bool:
    """Whether an address names a host that there can be."""
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _title(said: Mapping[str, Any]) -> str:
    text = " ".join(str(said.get("summary") or said.get("description") or "")[:_LONGEST_TITLE].split())
    return text[:200] if text.isprintable() else ""


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
