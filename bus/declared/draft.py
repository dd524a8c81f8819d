"""A draft: a request before it is sent. Each kind of auth adds to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx

from bus import json
from bus.declared.document import Request
from bus.declared.mapper import ExpressionResult
from bus.kit import AgencyFault, Failure

_PLACE: Final = re.compile(r"\{([a-z0-9_]+)\}")
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,4094}[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class Draft:
    """A request.

    Attributes:
        address: scheme, host and path; no query.
        values: values by name, for signatures.
    """

    method: str
    address: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The host that gets the request."""
        return urlsplit(self.address).hostname or ""

    @property
    def path(self) -> str:
        """The path as it is sent."""
        return urlsplit(self.address).path

    @property
    def query_string(self) -> str:
        """The query as it is sent, without the question mark."""
        return urlencode(self.query, quote_via=quote)

    def add_header(self, name: str, value: str) -> "Draft":
        """The draft with one more header. It replaces a header of the same name.

        Raises:
            AgencyFault: permanent; HTTP does not carry the value.
        """
        if not _HEADER_VALUE.fullmatch(value):
            raise AgencyFault(Failure.PERMANENT, f"the header {name} cannot carry its value")
        others = {other: kept for other, kept in self.headers.items() if other.lower() != name.lower()}
        return replace(self, headers={**others, name: value})

    def add_parameter(self, name: str, value: str) -> "Draft":
        """The draft with one more parameter. It replaces parameters of the same name."""
        return replace(self, query=(*(pair for pair in self.query if pair[0] != name), (name, value)))

    def build(self, http: httpx.AsyncClient) -> httpx.Request:
        """The request for the HTTP client. Path and query are sent as they stand here."""
        query = self.query_string
        url = httpx.URL(self.address)
        target = url.raw_path.partition(b"?")[0] + (f"?{query}".encode() if query else b"")
        return http.build_request(
            self.method, url.copy_with(raw_path=target), headers=dict(self.headers), content=self.body
        )


def list_expressions(request: Request) -> dict[str, str]:
    """The expressions of a request by name, as `make_draft` wants their results."""
    found = {f"values.{name}": text for name, text in request.values.items()}
    found |= {f"query.{name}": text for name, text in request.query.items()}
    found |= {f"headers.{name}": text for name, text in request.headers.items()}
    if request.body is not None and request.body.json_ is not None:
        found["body"] = request.body.json_
    if request.body is not None and request.body.form is not None:
        found |= {f"form.{name}": text for name, text in request.body.form.items()}
    return found


def make_draft(
    request: Request, base_url: str, settings: Mapping[str, str], found: Mapping[str, ExpressionResult]
) -> Draft:
    """The request that the results of its expressions make.

    Raises:
        AgencyFault: permanent; an expression failed, or gave what a request cannot carry.
    """
    values = {name: _require(f"values.{name}", found) for name in request.values}
    draft = Draft(
        request.method,
        base_url.rstrip("/") + _fill(request.path, values, settings),
        query=tuple(_list_present("query", request.query, found)),
        values=values,
    )
    for name, value in _list_present("headers", request.headers, found):
        draft = draft.add_header(name, value)
    return _add_body(draft, request, found)


def _add_body(draft: Draft, request: Request, found: Mapping[str, ExpressionResult]) -> Draft:
    if request.body is None:
        return draft
    if request.body.json_ is not None:
        _check("body", found)
        if not found["body"].is_there:
            raise AgencyFault(Failure.PERMANENT, "the expression for the body finds nothing")
        return replace(draft, body=json.dumps(found["body"].value)).add_header("content-type", "application/json")
    form = _list_present("form", request.body.form or {}, found)
    body = urlencode(form).encode()
    return replace(draft, body=body).add_header("content-type", "application/x-www-form-urlencoded")


def _fill(path: str, values: Mapping[str, str], settings: Mapping[str, str]) -> str:
    """The path with its values. Those of the operator may have slashes."""

    def write(place: re.Match[str]) -> str:
        name = place.group(1)
        written = quote(values[name], safe="") if name in values else quote(settings[name].strip("/"), safe="/")
        if any(part in ("", ".", "..") for part in written.split("/")):
            raise AgencyFault(Failure.PERMANENT, f"the path cannot carry the value {name}")
        return written

    return _PLACE.sub(write, path)


def _list_present(kind: str, wanted: Mapping[str, str], found: Mapping[str, ExpressionResult]) -> list[tuple[str, str]]:
    pairs = []
    for name in wanted:
        one = _check(f"{kind}.{name}", found)
        if one.is_there and one.value is not None:
            pairs.append((name, _write(one.value)))
    return pairs


def _require(name: str, found: Mapping[str, ExpressionResult]) -> str:
    one = _check(name, found)
    if not one.is_there or one.value is None:
        raise AgencyFault(Failure.PERMANENT, f"the expression for {name} finds nothing")
    return _write(one.value)


def _check(name: str, found: Mapping[str, ExpressionResult]) -> ExpressionResult:
    if found[name].error:
        raise AgencyFault(Failure.PERMANENT, f"the expression for {name} {found[name].describe()}")
    return found[name]


def _write(value: Any) -> str:
    """A value as a text: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value).decode()
