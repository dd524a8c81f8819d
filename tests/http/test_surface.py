"""The surface: what the edge serves, and that the OpenAPI document says the same of it."""

import re
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from bus.http.surface import MethodNotAllowed, PathUnknown, Surface
from tests.a_bus import Bus
from tests.builders import OWNER

only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Page(BaseModel):
    """Parameters in a model."""

    since: str = ""
    until: str = Field("", alias="before")


def a_surface() -> Surface:
    router = APIRouter(prefix="/v1/things")

    @router.get("", response_class=PlainTextResponse)
    def list_things(kind: Annotated[list[str] | None, Query()] = None, limit: int = 1) -> str: ...

    @router.post("/check", status_code=201)
    def check() -> str: ...

    @router.get("/{name}")
    def read(name: str, page: Annotated[Page, Query()]) -> str: ...

    @router.delete("/{name}", status_code=204)
    def remove(name: str) -> None: ...

    surface = Surface()
    surface.add(router.routes)
    return surface


@only_once
async def test_the_openapi_document_names_the_parameters_that_are_taken_and_no_others(bus: Bus) -> None:
    document = (await bus.reader(OWNER).get("/openapi.json")).json()
    described = {
        (method.upper(), path): {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    taken = {(method, path): set(endpoint.parameters) for method, path, endpoint in bus.edge.surface}
    hidden = {
        (method, path) for method, path, one in bus.edge.surface if not getattr(one.route, "include_in_schema", True)
    }
    assert taken.keys() - described.keys() == hidden
    assert not any(taken[one] for one in hidden)
    assert {one: taken.get(one) for one in described} == described


@only_once
async def test_the_openapi_document_names_the_forms_that_are_given(bus: Bus) -> None:
    document = (await bus.reader(OWNER).get("/openapi.json")).json()
    for method, path, endpoint in bus.edge.surface:
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is not None:
            answers = [answer for status, answer in operation["responses"].items() if re.match("20[012]", status)]
            assert set(endpoint.forms) == {form for answer in answers for form in answer.get("content", ())}, path


def test_parameters_in_models_and_lists_are_known() -> None:
    surface = a_surface()
    listed, read = surface.find("GET", "/v1/things"), surface.find("GET", "/v1/things/a")
    assert listed is not None
    assert read is not None
    assert (listed.parameters, listed.forms) == ({"kind": True, "limit": False}, ("text/plain",))
    assert read.parameters == {"since": False, "before": False}


def test_a_path_of_two_routes_has_the_methods_of_both() -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        a_surface().find("PUT", "/v1/things/check")
    assert refused.value.headers == {"Allow": "DELETE, GET, HEAD, OPTIONS, POST"}


@pytest.mark.parametrize("path", ["/v1/things/", "/v1//things", "//v1/things", "/V1/Things", "/v1/things//"])
def test_the_right_path_is_named_to_who_comes_near_it(path: str) -> None:
    with pytest.raises(PathUnknown) as refused:
        a_surface().find("GET", path)
    assert "The path is /v1/things," in refused.value.detail


def test_a_path_that_may_name_a_person_is_not_repeated() -> None:
    with pytest.raises(PathUnknown) as refused:
        a_surface().find("GET", "/v1/things/3524010101909001/")
    assert "/v1/things/{name}" in refused.value.detail
    assert "3524" not in str(refused.value.to_document())


def test_what_is_nowhere_is_unknown_with_every_method() -> None:
    for path in ("/v2/things", "", "/v1", "/v1/things/a/b", "*"):
        with pytest.raises(PathUnknown):
            a_surface().find("GET", path)
    for path in ("/v2/things", "", "/v1", "/v1/things/a/b", "/*"):
        with pytest.raises(PathUnknown):
            a_surface().list_methods(path)


def test_an_answer_without_content_has_no_form() -> None:
    removed: Any = a_surface().find("DELETE", "/v1/things/a")
    assert removed.forms == ()
