"""OpenAPI descriptions of routes that are not FastAPI's, made from the models that read their requests."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from starlette.routing import Route

from bus.http.path_parameters import DOCUMENTED

_REFERENCE: Final = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class Operation:
    """What the OpenAPI document says of a GET beside its path and the docstring of its callable.

    Attributes:
        tag: the group in which the document shows it.
        scope: what the access token has to carry.
        answers: by status, as OpenAPI writes them; `model` stands for JSON of that type.
        query: the parameters in the query.
        headers: the header fields that it reads.
    """

    tag: str
    scope: str
    answers: Mapping[str, Mapping[str, Any]]
    query: type[BaseModel] | None = None
    headers: type[BaseModel] | None = None

    @property
    def models(self) -> list[type[Any]]:
        """The types of its answers."""
        return [answer["model"] for answer in self.answers.values() if "model" in answer]


def describe(route: Route, operation: Operation) -> dict[str, Any]:
    """The OpenAPI operation of a route."""
    parameters = [_path_parameter(name) for name in route.param_convertors]
    for place, model in (("query", operation.query), ("header", operation.headers)):
        parameters += _parameters(place, model) if model is not None else ()
    return {
        "tags": [operation.tag],
        "summary": _title(route.name),
        "description": cleandoc(route.endpoint.__doc__ or ""),
        "operationId": route.name,
        "security": [{"oauth": [operation.scope]}],
        "parameters": parameters,
        "responses": {status: _answer(answer) for status, answer in operation.answers.items()},
    }


def components(types: Iterable[type[Any]]) -> dict[str, Any]:
    """The schemas that answers and bodies refer to, by name."""
    adapters = [(one.__name__, "serialization", TypeAdapter(one)) for one in types]
    _, schemas = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCE)  # type: ignore[arg-type]
    found: dict[str, Any] = schemas["$defs"]
    return found


def _answer(answer: Mapping[str, Any]) -> dict[str, Any]:
    described = {name: one for name, one in answer.items() if name != "model"}
    if "model" in answer:
        schema = {"$ref": _REFERENCE.format(model=answer["model"].__name__)}
        described["content"] = {"application/json": {"schema": schema}} | answer.get("content", {})
    return described


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **DOCUMENTED[name]}


def _parameters(place: str, model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    document = model.model_json_schema()
    for name, schema in document["properties"].items():
        is_required = name in document.get("required", ())
        described = {"description": schema["description"]} if "description" in schema else {}
        yield {"name": name, "in": place, "required": is_required, "schema": schema} | described


def _title(name: str) -> str:
    return name.replace("_", " ").title()
