"""The surface: every path that the bus serves, with what its endpoints take and answer, as their routes describe it.

Promise: what the OpenAPI document names is what is taken, since both are made from the routes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import BaseRoute, Mount, Route

from bus.http.openapi import Operation
from bus.problem import NotFound, Refused

JSON: Final = "application/json"

_SUCCESS: Final = frozenset({"200", "201", "202", "2XX"})
_BODILESS: Final = frozenset({204, 205, 304})
_LITERALS: Final = 3
"""Parts of a path that are looked up before its pattern is tried: the empty one, `v1` and the resource."""
_SLASHES: Final = re.compile("/+")
_LISTS: Final = (list, set, frozenset, tuple)


class PathUnknown(NotFound):
    """There is nothing at this path."""

    slug = "path-unknown"


class MethodNotAllowed(Refused):
    """This path does not have this method; `Allow` names those that it has."""

    status = 405
    slug = "method-not-allowed"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path.

    Attributes:
        route: what the request is counted by.
        parameters: those in the query; true for one that may come several times.
        forms: media types of its answer, the usual one first; empty if it has no content.
    """

    route: BaseRoute | None
    parameters: Mapping[str, bool] = field(default_factory=dict)
    forms: Sequence[str] = (JSON,)


@dataclass(slots=True)
class _Place:
    """One path, with its endpoints by method; None for what a mounted application answers itself."""

    template: str
    pattern: re.Pattern[str]
    endpoints: dict[str, Endpoint] | None

    def matches(self, path: str) -> bool:
        """Whether a path is this one. An empty parameter names nothing."""
        found = self.pattern.match(path)
        return found is not None and (self.endpoints is None or all(found.groups()))


class Surface:
    """Finds the endpoint of a request."""

    def __init__(self, routes: Iterable[BaseRoute] = ()) -> None:
        self._places: dict[str, list[_Place]] = {}
        self.add(routes)

    def add(self, routes: Iterable[BaseRoute]) -> None:
        """Add what routes serve. Those that come first are found first."""
        for route in routes:
            if isinstance(route, Mount):
                self._add_place(_Place(route.path, route.path_regex, None))
            elif isinstance(route, Route):
                place = self._place(route.path_format, route.path_regex)
                endpoint = _describe(route)
                for method in sorted(route.methods or ()):
                    if place.endpoints is not None:
                        place.endpoints.setdefault(method, endpoint)

    def add_endpoint(self, method: str, path: str, endpoint: Endpoint) -> None:
        """Add an endpoint that is no route."""
        place = self._place(path, re.compile(f"^{re.escape(path)}$"))
        assert place.endpoints is not None  # noqa: S101 - an application is mounted at no endpoint's path
        place.endpoints.setdefault(method, endpoint)

    def find(self, method: str, path: str) -> Endpoint | None:
        """The endpoint of a request; None if a mounted application answers.

        HEAD is found where GET is (RFC 9110, section 9.3.2).

        Raises:
            PathUnknown: there is nothing at the path.
            MethodNotAllowed: the path does not have the method.
        """
        wanted = "GET" if method == "HEAD" else method
        places = self._find_places(path)
        for place in places:
            if place.endpoints is None:
                return None
            if wanted in place.endpoints:
                return place.endpoints[wanted]
        if not places:
            raise self._refuse_path(path)
        allowed = _list_methods(places)
        raise MethodNotAllowed(f"This path has {allowed}.", headers={"Allow": allowed})

    def list_methods(self, path: str) -> str:
        """The methods of a path, as `Allow` names them; of `*`, those of the whole server (RFC 9110, section 9.3.7).

        Raises:
            PathUnknown: there is nothing at the path.
        """
        if path == "*":
            return _list_methods(place for places in self._places.values() for place in places)
        places = self._find_places(path)
        if not places:
            raise self._refuse_path(path)
        return _list_methods(places)

    def __iter__(self) -> Iterator[tuple[str, str, Endpoint]]:
        """All endpoints, with method and path."""
        for places in self._places.values():
            for place in places:
                for method, endpoint in (place.endpoints or {}).items():
                    yield method, place.template, endpoint

    def _find_places(self, path: str) -> list[_Place]:
        candidates = (*self._places.get(_begin(path), ()), *self._places.get("", ()))
        return [place for place in candidates if place.matches(path)]

    def _place(self, template: str, pattern: re.Pattern[str]) -> _Place:
        for place in self._places.get(_key(template), ()):
            if place.pattern.pattern == pattern.pattern and place.endpoints is not None:
                return place
        return self._add_place(_Place(template, pattern, {}))

    def _add_place(self, place: _Place) -> _Place:
        key = "" if place.endpoints is None else _key(place.template)
        self._places.setdefault(key, []).append(place)
        return place

    def _refuse_path(self, path: str) -> PathUnknown:
        """Names the path that was meant, as its template: the path itself may name a person."""
        tidy = _SLASHES.sub("/", path).rstrip("/") or "/"
        for meant in (tidy, tidy.lower()):
            if meant != path and (places := self._find_places(meant)):
                return PathUnknown(
                    f"The path is {places[0].template}, in small letters and without a slash at its end."
                )
        return PathUnknown("GET / tells what is here.")


def _begin(path: str) -> str:
    return "/".join(path.split("/", _LITERALS)[:_LITERALS])


def _key(template: str) -> str:
    """What the paths of a template begin with; empty if that differs."""
    begin = _begin(template)
    return "" if "{" in begin else begin


def _list_methods(places: Iterable[_Place]) -> str:
    methods = {method for place in places for method in place.endpoints or ()} | {"OPTIONS"}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _describe(route: Route) -> Endpoint:
    operation = getattr(route, "operation", None)
    if isinstance(operation, Operation):
        query = {} if operation.query is None else dict(_read_model(operation.query))
        return Endpoint(route, query, tuple(_list_forms(operation.answers)) or (JSON,))
    if isinstance(route, APIRoute):
        return Endpoint(route, dict(_read_query(route.dependant)), _list_route_forms(route))
    return Endpoint(route, forms=())


def _list_route_forms(route: APIRoute) -> Sequence[str]:
    """The media types of a route's answer, as FastAPI describes them."""
    if route.status_code in _BODILESS:
        return ()
    given = route.response_class
    if isinstance(given, DefaultPlaceholder) and not route.include_in_schema:
        # Nobody described it: a page's script or its style.
        return ()
    response = given.value if isinstance(given, DefaultPlaceholder) else given
    own = [response.media_type] if response.media_type else []
    return tuple(dict.fromkeys([*own, *_list_forms(route.responses)])) or (JSON,)


def _list_forms(answers: Mapping[Any, Mapping[str, Any]]) -> list[str]:
    """The media types of successful answers; a model is JSON, the usual form."""
    successful = [answer for status, answer in answers.items() if str(status) in _SUCCESS]
    modelled = [JSON for answer in successful if "model" in answer]
    return list(dict.fromkeys([*modelled, *(form for answer in successful for form in answer.get("content", ()))]))


def _read_query(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    for parameter in dependant.query_params:
        annotation = parameter.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _read_model(annotation)
        else:
            yield parameter.alias, _is_list(annotation)
    for inner in dependant.dependencies:
        yield from _read_query(inner)


def _read_model(model: type[BaseModel]) -> Iterator[tuple[str, bool]]:
    for name, info in model.model_fields.items():
        yield info.alias or name, _is_list(info.annotation)


def _is_list(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return any(_is_list(one) for one in get_args(annotation))
    return annotation in _LISTS or origin in _LISTS
