"""The OpenAPI document: valid, whole, and true of what the bus answers to requests that are made from it."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, Response
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bus.delivery.subscription import NewSubscription, Webhook
from bus.http.edge import create_edge
from bus.http.health import Health
from bus.identity.scopes import Scope
from tests.a_bus import ADDRESS, Bus
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person
from tests.declared.a_declared_agency import register_draft

ROUTES: Final = """
POST /oauth/token
POST /oauth/revoke
POST /oauth/introspect
GET /oauth/jwks
GET /.well-known/oauth-authorization-server
GET /.well-known/oauth-protected-resource
POST /v1/events
GET /v1/events/status
GET /v1/events/{position}
POST /v1/events/{position}/open
GET /v1/feeds/{contract}
GET /v1/records/{contract}
GET /v1/records/{contract}/digest
GET /v1/records/{contract}/{key}
GET /v1/records/{contract}/{key}/history
POST /v1/queries/{contract}
POST /v1/queries/{contract}/batch
GET /v1/jobs/{id}
GET /v1/contracts
POST /v1/contracts
GET /v1/contracts/{name}
GET /v1/contracts/{name}/versions/{version}
GET /v1/contracts/{name}/versions/{version}/schema
POST /v1/contracts/check
POST /v1/contracts/{name}/versions/{version}/activate
POST /v1/contracts/{name}/versions/{version}/deprecate
POST /v1/contracts/{name}/versions/{version}/retire
GET /v1/proposals
GET /v1/grants
POST /v1/contracts/{name}/grants/{participant}/suspend
POST /v1/contracts/{name}/grants/{participant}/resume
POST /v1/contracts/{name}/validate
GET /v1/adapters
POST /v1/adapters
GET /v1/adapters/{name}
GET /v1/adapters/{name}/versions/{version}
POST /v1/adapters/{name}/versions/{version}/propose
POST /v1/adapters/{name}/versions/{version}/activate
POST /v1/adapters/{name}/versions/{version}/deprecate
POST /v1/adapters/{name}/versions/{version}/retire
GET /v1/contracts/{name}/asyncapi
GET /v1/contracts/{name}/odcs
POST /v1/contracts/odcs
GET /v1/domains
GET /v1/domains/{domain}
PUT /v1/domains/{domain}/owner
DELETE /v1/domains/{domain}/owner
GET /v1/subscriptions
POST /v1/subscriptions
GET /v1/subscriptions/{id}
PATCH /v1/subscriptions/{id}
DELETE /v1/subscriptions/{id}
POST /v1/subscriptions/{id}/pause
POST /v1/subscriptions/{id}/resume
POST /v1/subscriptions/{id}/replay
POST /v1/subscriptions/{id}/redrive
POST /v1/subscriptions/{id}/rotate-secret
POST /v1/subscriptions/{id}/test
POST /v1/subscriptions/{id}/pull
POST /v1/subscriptions/{id}/ack
POST /v1/subscriptions/{id}/nack
POST /v1/subscriptions/{id}/extend
POST /v1/subscriptions/{id}/seek
GET /v1/deliveries
POST /v1/deliveries/{id}/retry
POST /v1/deliveries/{id}/discard
POST /v1/deliveries/{id}/answers
GET /v1/status
GET /v1/traffic
GET /v1/participants
POST /v1/participants
PATCH /v1/participants/{name}
PUT /v1/participants/{name}
GET /v1/participants/{name}/clients
POST /v1/participants/{name}/clients
PATCH /v1/participants/{name}/clients/{client_id}
DELETE /v1/participants/{name}/clients/{client_id}
GET /v1/disclosures
POST /v1/disclosures/lookups
POST /v1/inquiries
GET /v1/inquiries
GET /v1/inquiries/{number}
POST /v1/inquiries/{number}/close
GET /v1/refusals
GET /v1/agencies
GET /v1/doctor
POST /v1/agencies/{agency}/release
POST /v1/agencies/{agency}/pause
POST /v1/agencies/{agency}/resume
POST /v1/agencies/{agency}/push/{operation}
GET /healthz
GET /readyz
GET /metrics
"""
"""The public surface of DESIGN, section 4."""

_PROBLEM: Final = "application/problem+json"
_PUSH: Final = "/v1/agencies/{agency}/push/{operation}"
"""Agencies prove themselves here, and are answered, as their own interfaces say."""
_REQUESTS: Final = 6
"""Requests by operation and kind, well formed and not."""
_METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})
_ENDS_THINGS: Final = ("DELETE", "/retire", "/deprecate", "/revoke", "/pause")


@pytest.fixture
async def document(bus: Bus) -> Any:
    """The OpenAPI document."""
    answer = await bus.reader(OWNER).get("/openapi.json")
    return answer.json()


only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@only_once
def test_the_document_is_openapi_3_1_and_its_schemas_are_json_schema(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(document).validate()
    for schema in _schemas(document):
        jsonschema_rs.Draft202012Validator(schema | {"components": document["components"]})


@only_once
def test_the_whole_public_surface_is_in_the_document(document: Any) -> None:
    described = {f"{method.upper()} {path}" for path, _, method in _operations(document)}
    assert set(ROUTES.split("\n")) - {""} <= described


@only_once
def test_an_operation_has_a_name_of_its_own(document: Any) -> None:
    names = [operation["operationId"] for _, operation, _ in _operations(document)]
    assert len(names) == len(set(names))


@only_once
def test_names_of_operations_and_types_are_those_that_a_developer_would_choose(document: Any) -> None:
    for _, operation, _ in _operations(document):
        assert re.fullmatch("[a-z]+(_[a-z]+)*", operation["operationId"])
    for name, schema in document["components"]["schemas"].items():
        assert re.fullmatch("([A-Z][a-z]*|OAuth)+", name)
        assert schema["title"] == name


@only_once
def test_json_comes_first_among_media_types(document: Any) -> None:
    for _, operation, _ in _operations(document):
        for holder in [operation.get("requestBody", {}), *operation["responses"].values()]:
            kinds = list(holder.get("content", ()))
            ranked = sorted(kinds, key=lambda kind: (kind != "application/json", not kind.endswith("+json")))
            if holder is operation.get("requestBody") and operation["operationId"] == "publish_events":
                # A whole event comes before the data alone of binary mode.
                ranked = [*ranked[1:], ranked[0]]
            assert kinds == ranked


@only_once
def test_feeds_and_records_are_lists_of_typed_events(document: Any) -> None:
    schemas, event = document["components"]["schemas"], {"$ref": "#/components/schemas/CloudEvent"}
    assert schemas["EventPage"]["properties"]["events"]["items"] == event
    assert schemas["RecordPage"]["properties"]["records"]["items"] == event
    for path, page in (("/v1/feeds/{contract}", "EventPage"), ("/v1/records/{contract}", "RecordPage")):
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        assert next(iter(content.values()))["schema"] == {"$ref": f"#/components/schemas/{page}"}


@only_once
def test_the_document_says_where_the_bus_is_and_what_each_operation_asks_for(document: Any) -> None:
    assert document["servers"][0]["url"] == ADDRESS
    tags = {tag["name"] for tag in document["tags"]}
    for path, operation, _ in _operations(document):
        assert tags.issuperset(operation["tags"])
        assert ("oauth" in {name for one in operation["security"] for name in one}) == _takes_token(path)


@only_once
def test_refusals_and_their_header_fields_are_described(document: Any) -> None:
    responses = document["components"]["responses"]
    for path, operation, method in _operations(document):
        described = {
            status: responses[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
            for status, one in operation["responses"].items()
        }
        expected = {"400", "429", "431", "500", "503"} | ({"401", "403"} if _takes_token(path) else set())
        assert expected <= described.keys(), (method, path)
        assert all("Retry-After" in described[status]["headers"] for status in ("429", "503")), (method, path)
        if _takes_token(path):
            assert "WWW-Authenticate" in described["401"]["headers"]
            assert all("RateLimit" in one["headers"] for status, one in described.items() if status < "400")
        assert "Location" in described.get("201", {"headers": {"Location"}})["headers"]


@only_once
async def test_two_edges_of_one_process_have_the_same_document(bus: Bus, document: Any) -> None:
    assert create_edge(bus.rooms, Health({})).describe() == create_edge(bus.rooms, Health({})).describe() == document
    responses = [one for _, operation, _ in _operations(document) for one in operation["responses"].values()]
    assert all(one.keys() == {"$ref"} for one in responses if "$ref" in one)


@only_once
def test_a_refusal_is_described_as_a_problem(document: Any) -> None:
    described = {
        content_type
        for path, operation, _ in _operations(document)
        if not path.startswith("/oauth/") and path != _PUSH
        for status, answer in [*operation["responses"].items(), *document["components"]["responses"].items()]
        if not status.startswith(("2", "3"))
        for content_type in answer.get("content", ())
    }
    assert described == {_PROBLEM}


@only_once
async def test_no_request_made_from_the_document_breaks_the_bus_or_the_document(bus: Bus, document: Any) -> None:
    bus.apply(a_document(a_grant(OWNER)))
    position = await bus.publish(a_person(1))
    order = NewSubscription(OWNER, [WARGA], Webhook("https://dinkes.lamongan.example/masuk"), [])
    subscription = await asyncio.to_thread(bus.rooms.subscriptions.add, order, OPERATOR)
    register_draft(bus)
    known = {"contract": WARGA, "version": "1.0.0", "key": a_nik(1), "position": position, "id": subscription.id}
    async with bus.served() as address:
        trial = Trial(address, bus.token(OWNER, *Scope), known)
        await asyncio.to_thread(trial.run, document)
    assert trial.surprises == []
    assert len(trial.answered) > 30


@dataclass
class Trial:
    """Sends requests made from the document, with a fixed seed, and notes what must not be.

    Attributes:
        known: values of path parameters that name something; most requests get them.
        surprises: what must not be.
        answered: the operations that did what they were asked, at least once.
    """

    address: str
    authorization: str
    known: dict[str, Any]
    surprises: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    _session: requests.Session = field(default_factory=requests.Session)

    def run(self, document: Any) -> None:
        """Try every operation; what ends things comes last."""
        results = schemathesis.openapi.from_dict(document).get_all_operations()
        found = [result.ok() for result in results if isinstance(result, Ok)]
        for operation in sorted(found, key=lambda one: any(end in one.label for end in _ENDS_THINGS)):
            self._try(operation, GenerationMode.POSITIVE)
            # Nothing is wrong for a body without a schema, such as a contract in YAML.
            with suppress(Unsatisfiable):
                if operation.query or operation.body:
                    self._try(operation, GenerationMode.NEGATIVE)

    def _try(self, operation: Any, mode: GenerationMode) -> None:
        @settings(
            max_examples=_REQUESTS,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            deadline=None,
        )
        @given(operation.as_strategy(generation_mode=mode), st.sampled_from([True, True, False]))
        def send(case: Any, names_something: bool) -> None:
            if names_something:
                self._name(case)
            if isinstance(case.query, dict) and "wait" in case.query:
                case.query["wait"] = 0
            response = case.call(self.address, self._session, headers={"authorization": self.authorization}, timeout=30)
            self._judge(case, response)

        send()

    def _name(self, case: Any) -> None:
        names = {"/v1/contracts": WARGA, "/v1/adapters": "badan"}
        known = self.known | {"name": next((name for at, name in names.items() if case.path.startswith(at)), OWNER)}
        for name in case.path_parameters.keys() & known.keys():
            case.path_parameters[name] = known[name]

    def _judge(self, case: Any, response: Response) -> None:
        content_type = response.headers.get("content-type", [""])[0]
        label = case.operation.label
        if response.status_code < 300:
            self.answered.add(label)
        if response.status_code >= 500:
            self._note(case, f"{response.status_code}")
        elif response.status_code >= 400 and content_type != _PROBLEM and not case.path.startswith("/oauth/"):
            self._note(case, f"{response.status_code} as {content_type}")
        try:
            checks = [status_code_conformance, content_type_conformance, response_schema_conformance]
            case.validate_response(response, checks=checks)
        except (Failure, FailureGroup) as failure:
            self._note(case, str(failure))

    def _note(self, case: Any, what: str) -> None:
        self.surprises.append(f"{case.operation.label}: {what}: {case.as_curl_command()}")


def _takes_token(path: str) -> bool:
    return path.startswith("/v1/") and path != _PUSH


def _operations(document: Any) -> Iterator[tuple[str, Any, str]]:
    for path, operations in document["paths"].items():
        yield from ((path, operation, method) for method, operation in operations.items() if method in _METHODS)


def _schemas(value: Any) -> Iterator[Any]:
    """Every schema that stands under a `schema`, and those of the components."""
    if isinstance(value, list):
        for inner in value:
            yield from _schemas(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name == "schema":
                yield inner
            elif name == "schemas":
                yield from inner.values()
            else:
                yield from _schemas(inner)
