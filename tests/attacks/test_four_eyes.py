"""Attacks on the approval of personal data: one client that tries to write and approve alone."""

import asyncio
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bus.actions.action import Result, Verb
from bus.actions.actor import Actor
from bus.contracts.document import parse_contract
from bus.contracts.errors import FourEyes
from bus.contracts.tables import MOVES
from tests.a_bus import Bus
from tests.an_actor import actions, an_actor
from tests.attacks.a_registry import draft, move, problem
from tests.builders import OWNER, WARGA, Document, a_document, a_grant

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BOTH = ("contracts.read", "contracts.write", "contracts.approve")
TEXT = {"type": "string"}


@pytest.fixture
def writer(bus: Bus) -> httpx.AsyncClient:
    return bus.reader(OWNER, *BOTH)


@pytest.fixture
def head(bus: Bus) -> httpx.AsyncClient:
    return bus.reader(OWNER, *BOTH)


async def step(client: httpx.AsyncClient, name: str, version: str = "1.0.0") -> httpx.Response:
    return await move(client, name, version, WARGA)


def a_key(**properties: Any) -> Document:
    """A schema without a person, but for these properties."""
    return {"type": "object", "properties": {"kode": TEXT, **properties}, "required": ["kode"]}


def impersonal(**changes: Any) -> Document:
    """A contract that says that it is about nobody."""
    return a_document(
        **{"classification": "internal", "schema": a_key(), "key": "/kode", "subject": "/kode", **changes}
    )


async def test_one_client_does_not_write_and_activate(writer: httpx.AsyncClient, head: httpx.AsyncClient):
    await draft(writer, a_document())
    refused = await step(writer, "activate")
    assert problem(refused) == (409, "four-eyes")
    assert "another client" in refused.json()["detail"]
    assert (await step(head, "activate")).status_code == 200


async def test_one_client_s_attempt_to_do_both_is_in_the_action_log(bus: Bus, writer: httpx.AsyncClient):
    await draft(writer, a_document())
    assert problem(await step(writer, "activate")) == (409, "four-eyes")
    await asyncio.to_thread(bus.rooms.attempts.flush, all=True)
    (tried,) = (one for one in actions(bus.rooms.storage) if one.what is Verb.AUTHORITY_REFUSED)
    assert (tried.result, tried.on.id, tried.by.participant) == (Result.REFUSED, f"{WARGA}/1.0.0", OWNER)
    assert tried.details == {"tried": Verb.CONTRACT_ACTIVATE, "reason": "four-eyes"}


async def test_who_proposes_does_not_activate(writer: httpx.AsyncClient, head: httpx.AsyncClient):
    """Neither the client that wrote the document nor the one that laid it before the owner."""
    await draft(writer, a_document())
    await step(head, "propose")
    assert [problem(await step(client, "activate")) for client in (writer, head)] == [(409, "four-eyes")] * 2


async def test_the_operators_client_is_no_exception(bus: Bus):
    operator = bus.reader("operator", *BOTH, "admin")
    await draft(operator, a_document())
    assert problem(await step(operator, "activate")) == (409, "four-eyes")
    assert (await step(bus.reader("operator", *BOTH, "admin"), "activate")).status_code == 200


async def test_a_document_that_is_slipped_in_after_the_proposal_is_not_activated(
    writer: httpx.AsyncClient, head: httpx.AsyncClient
):
    await draft(writer, a_document())
    await step(writer, "propose")
    await draft(writer, a_document(a_grant("bapenda")))
    assert problem(await step(head, "activate")) == (409, "four-eyes")
    await step(writer, "propose")
    assert (await step(head, "activate")).status_code == 200


async def test_the_last_change_counts_also_where_a_draft_replaces_a_draft(
    writer: httpx.AsyncClient, head: httpx.AsyncClient
):
    await draft(writer, a_document())
    await draft(head, a_document(a_grant("bapenda")))
    assert problem(await step(head, "activate")) == (409, "four-eyes")
    history = (await step(writer, "activate")).json()["history"]
    assert [one["state"] for one in history] == ["draft", "active"]
    assert history[0]["client_id"] != history[1]["client_id"]


async def test_sending_the_same_again_makes_nobody_its_author(writer: httpx.AsyncClient, head: httpx.AsyncClient):
    await draft(writer, a_document())
    await draft(head, a_document())
    assert problem(await step(writer, "activate")) == (409, "four-eyes")


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(a_key(status_nik=TEXT), id="named"),
        pytest.param(a_key(ketNik=TEXT), id="named within a word"),
        pytest.param(a_key(npwp={"type": "string", "pattern": "^[0-9]{15,16}$"}), id="a tax number"),
        pytest.param(
            a_key(orang={"type": "array", "items": {"type": "object", "properties": {"anggota_kk": TEXT}}}), id="deep"
        ),
    ],
)
async def test_a_lower_classification_does_not_evade_it(writer: httpx.AsyncClient, schema: Document):
    await draft(writer, impersonal(schema=schema))
    assert problem(await step(writer, "activate")) == (409, "four-eyes")


NIK = "^[1-9][0-9]{15}$"


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(a_key(nik=TEXT), id="by its name"),
        pytest.param(a_key(nikPemohon={"type": "integer"}), id="by its name, as a number"),
        pytest.param(a_key(x={"type": "integer", "minimum": 10**15, "maximum": 10**16 - 1}), id="by its range"),
        pytest.param(a_key(x={"type": "string", "pattern": "^([0-9]{16}|a)$"}), id="with another text"),
        pytest.param(a_key(x={"type": ["string", "null"], "pattern": NIK}), id="or null"),
        pytest.param(a_key(x={"type": "string", "pattern": NIK}), id="by its pattern"),
        pytest.param(a_key(x={"allOf": [{"pattern": "^[0-9]+$"}, {"minLength": 16, "maxLength": 16}]}), id="in parts"),
        pytest.param(a_key(x={"anyOf": [{"type": "null"}, {"type": "string", "pattern": NIK}]}), id="or nothing"),
        pytest.param(a_key(x={"type": "object", "patternProperties": {NIK: TEXT}}), id="as names"),
        pytest.param(a_key(x={"type": "object", "propertyNames": {"pattern": NIK}}), id="as names, otherwise"),
        pytest.param(a_key(x={"type": "array", "items": {"type": "string", "pattern": NIK}}), id="in a list"),
        pytest.param(
            {**a_key(x={"$ref": "#/$defs/n"}), "$defs": {"n": {"type": "string", "pattern": NIK}}}, id="by reference"
        ),
    ],
)
async def test_a_field_made_for_nik_is_personal_whatever_it_is_called(
    writer: httpx.AsyncClient, head: httpx.AsyncClient, schema: Document
):
    await draft(writer, impersonal(schema=schema))
    answer = await step(head, "activate")
    assert problem(answer) == (409, "contract-not-ready")
    assert "the contract is internal" in answer.json()["errors"][0]["detail"]


async def test_taking_the_classification_down_needs_them_too(writer: httpx.AsyncClient, head: httpx.AsyncClient):
    """The journal keeps the persons of the versions before, also of one that is retired by now."""
    await draft(writer, a_document())
    await step(head, "activate")
    await step(writer, "retire")
    await draft(writer, impersonal(version="2.0.0"))
    assert problem(await step(writer, "activate", "2.0.0")) == (409, "four-eyes")


async def test_data_about_nobody_take_one_client(writer: httpx.AsyncClient):
    await draft(writer, impersonal())
    assert (await step(writer, "activate")).status_code == 200


async def test_the_history_names_both_clients(bus: Bus, writer: httpx.AsyncClient, head: httpx.AsyncClient):
    await draft(writer, a_document())
    await step(writer, "propose")
    history = (await step(head, "activate")).json()["history"]
    first, second, third = (one["client_id"] for one in history)
    assert (first == second, first == third) == (True, False)
    assert {first, third} == {one.client_id for one in bus.rooms.participants.clients(OWNER, 10)}


async def test_the_clients_of_an_office_are_named_to_nobody_else(bus: Bus, writer: httpx.AsyncClient):
    await draft(writer, a_document())
    path = f"/v1/contracts/{WARGA}/versions/1.0.0"
    readers = [bus.reader("bapenda", *BOTH), writer, bus.reader("operator", *BOTH, "admin")]
    seen = [(await reader.get(path)).json()["history"][0]["client_id"] is not None for reader in readers]
    assert seen == [False, True, True]


async def test_a_draft_from_before_clients_were_kept_needs_another_participant(bus: Bus, writer: httpx.AsyncClient):
    await draft(writer, a_document())
    with bus.rooms.storage.write() as transaction:
        transaction.execute(sa.update(MOVES).values(client_id=None))
    assert problem(await step(bus.reader(OWNER, *BOTH), "activate")) == (409, "four-eyes")
    assert (await step(bus.reader("operator", *BOTH, "admin"), "activate")).status_code == 200


def test_the_operator_s_command_line_may_do_both_and_the_history_says_so(bus: Bus):
    bus.apply(a_document())
    history = bus.rooms.catalogue.registrar.read_version(WARGA, "1.0.0").history
    assert [(one.state.value, one.client_id) for one in history] == [
        ("draft", "command line"),
        ("active", "command line"),
    ]


@pytest.mark.parametrize("who", [an_actor(OWNER, client_id="command line"), an_actor("operator", is_operator=True)])
def test_only_the_operator_is_at_the_command_line(bus: Bus, who: Actor):
    with pytest.raises(FourEyes):
        bus.rooms.catalogue.registrar.apply([parse_contract(a_document())], who)
