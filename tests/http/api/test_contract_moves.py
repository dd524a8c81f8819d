"""A contract version's life over HTTP: who may move it, what it may not break, and editors who do not overwrite each other."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bus import json
from tests.a_bus import Bus
from tests.builders import SCHEMA, a_grant, a_strict_document
from tests.http.contract_callers import (
    NAME,
    VERSION,
    a_client,
    activate,
    another,
    approver,
    operator,
    owner,
    post,
)

SEEN = {"activate": "?grants=seen"}
NEXT = f"/v1/contracts/{NAME}/versions/2.0.0"
WITHOUT_NAME = {**SCHEMA, "properties": {name: one for name, one in SCHEMA["properties"].items() if name != "nama"}}
BREAKING = {"version": "2.0.0", "schema": WITHOUT_NAME, "examples": []}


pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def client(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(bus) as client:
        yield client


async def put(client: httpx.AsyncClient, document: Any, tag: str | None, headers: dict[str, str] | None = None) -> Any:
    """Replace version 1.0.0 as somebody who read it when it had this tag."""
    condition = {} if tag is None else {"if-match": tag}
    return await client.put(VERSION, content=json.dumps(document), headers={**(headers or owner()), **condition})


async def test_a_version_goes_through_its_life(client: httpx.AsyncClient) -> None:
    await post(client, a_strict_document())
    states = [
        (await client.post(f"{VERSION}/{step}{SEEN.get(step, '')}", headers=approver())).json()["state"]
        for step in ("activate", "deprecate", "retire")
    ]
    assert states == ["active", "deprecated", "retired"]
    assert (await client.post(f"{VERSION}/activate?grants=seen", headers=owner())).status_code == 409


async def test_a_contract_that_is_not_ready_is_a_conflict_that_says_why(client: httpx.AsyncClient) -> None:
    await post(client, a_strict_document(examples=[{"nik": 5}]))
    answer = await client.post(f"{VERSION}/activate?grants=seen", headers=owner())
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/examples/0/nik")


async def test_more_personal_data_are_approved_by_who_saw_them(client: httpx.AsyncClient) -> None:
    await post(client, a_strict_document())
    unseen = await client.post(f"{VERSION}/activate", headers=approver())
    assert (unseen.status_code, unseen.json()["type"]) == (409, "urn:bus:problem:contract-grants-unseen")
    (granted,) = unseen.json()["grants"]
    assert (granted["participant"], granted["purpose"], granted["until"]) == ("bapenda", "uji", "2099-12-31")
    assert {"what": "field", "pointer": "/nik", "text": "is shown", "mask": None} in granted["adds"]
    assert (await client.post(f"{VERSION}/activate?grants=ya", headers=approver())).status_code == 400
    assert (await client.post(f"{VERSION}/activate?grants=seen", headers=approver())).status_code == 200


@pytest.mark.parametrize("step", ["activate", "deprecate", "retire"])
async def test_only_owner_or_operator_move_a_version(client: httpx.AsyncClient, step: str) -> None:
    await activate(client)
    assert (await client.post(f"{VERSION}/{step}{SEEN.get(step, '')}", headers=another())).status_code == 403


async def test_each_step_is_remembered_with_who_and_when(client: httpx.AsyncClient) -> None:
    await post(client, a_strict_document(), operator())
    for step, caller in (("propose", owner()), ("activate", approver()), ("deprecate", owner())):
        await client.post(f"{VERSION}/{step}{SEEN.get(step, '')}", headers=caller)
    history = (await client.get(VERSION, headers=another())).json()["history"]
    assert [(move["state"], move["by"]) for move in history] == [
        ("draft", "operator"),
        ("proposed", "dukcapil-lamongan"),
        ("active", "dukcapil-lamongan"),
        ("deprecated", "dukcapil-lamongan"),
    ]
    assert sorted(move["at"] for move in history) == [move["at"] for move in history]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"adapters": [{"adapter": "ksp", "operation": "tiada"}]}, "/adapters/0/operation"),
        ({"consumers": [a_grant(until="2020-12-31")]}, "/consumers/0/until"),
    ],
)
async def test_what_lint_calls_an_error_is_not_proposed(
    client: httpx.AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    await post(client, a_strict_document(**changes), operator())
    refused = await client.post(f"{VERSION}/propose", headers=owner())
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, pointer)


async def test_proposing_asks_for_no_right_to_approve(client: httpx.AsyncClient) -> None:
    await post(client, a_strict_document())
    proposed = await client.post(f"{VERSION}/propose", headers=owner("contracts.write"))
    refused = await client.post(f"{VERSION}/activate?grants=seen", headers=owner("contracts.write"))
    assert (proposed.json()["state"], refused.status_code) == ("proposed", 403)


async def test_a_sunset_is_shown(client: httpx.AsyncClient) -> None:
    await activate(client)
    await client.post(f"{VERSION}/deprecate", json={"sunset": "2099-06-30"}, headers=owner())
    assert (await client.get(VERSION, headers=another())).json()["sunset"] == "2099-06-30"


@pytest.mark.parametrize(("sunset", "status"), [("2020-01-01", 422), ("30-06-2099", 400)])
async def test_a_sunset_that_is_over_or_no_date_is_refused(client: httpx.AsyncClient, sunset: str, status: int) -> None:
    await activate(client)
    answer = await client.post(f"{VERSION}/deprecate", json={"sunset": sunset}, headers=owner())
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, "/sunset")


async def test_what_breaks_an_active_version_is_a_conflict_with_the_changes_that_break(
    client: httpx.AsyncClient,
) -> None:
    await activate(client)
    await post(client, a_strict_document(**BREAKING))
    answer = await client.post(f"{NEXT}/activate?grants=seen", headers=owner())
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:bus:problem:contract-incompatible")
    compatibility = answer.json()["compatibility"]
    assert compatibility["verdict"] == "incompatible"
    (finding,) = compatibility["findings"]
    assert (finding["rule"], finding["against"], "nama" in finding["example"]) == ("closed", "1.0.0", True)


async def test_what_breaks_nothing_that_is_still_active_may_be_active(client: httpx.AsyncClient) -> None:
    await activate(client)
    await post(client, a_strict_document(**BREAKING))
    await client.post(f"{VERSION}/deprecate", headers=owner())
    assert (await client.post(f"{NEXT}/activate?grants=seen", headers=approver())).status_code == 200


async def test_who_promises_no_compatibility_may_break_it_with_a_major_step(client: httpx.AsyncClient) -> None:
    await activate(client)
    await activate(client, **BREAKING, compatibility="none")


async def test_a_number_that_hides_how_much_changes_is_a_conflict(client: httpx.AsyncClient) -> None:
    await activate(client)
    await post(client, a_strict_document(**{**BREAKING, "version": "1.0.1"}, compatibility="none"))
    answer = await client.post(f"/v1/contracts/{NAME}/versions/1.0.1/activate?grants=seen", headers=owner())
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:bus:problem:contract-version-step")
    assert answer.json()["step"] == "major"


def a_list(**bounds: int) -> dict[str, Any]:
    """A schema with a list. No example as long as some bounds is ever made, so that nobody can say what they break."""
    return {**SCHEMA, "properties": {**SCHEMA["properties"], "keluarga": {"type": "array", **bounds}}}


async def test_what_cannot_be_decided_is_refused_unless_the_operator_accepts_it_which_is_remembered(
    client: httpx.AsyncClient,
) -> None:
    await activate(client, schema=a_list())
    await post(client, a_strict_document(version="2.0.0", schema=a_list(maxItems=5_000)))
    accepting = {"accept_undecided": True}
    answers = [
        await client.post(f"{NEXT}/activate?grants=seen", headers=operator()),
        await client.post(f"{NEXT}/activate?grants=seen", json=accepting, headers=owner()),
        await client.post(f"{NEXT}/activate?grants=seen", json=accepting, headers=operator()),
    ]
    assert [answer.status_code for answer in answers] == [409, 403, 200]
    assert answers[0].json()["compatibility"]["verdict"] == "undecided"
    assert answers[2].json()["history"][-1]["accepted_undecided"] is True


async def test_of_two_editors_the_second_is_told_that_the_first_was_there(client: httpx.AsyncClient) -> None:
    await post(client, a_strict_document())
    tag = (await client.get(VERSION, headers=owner())).headers["etag"]
    first, second = [await put(client, a_strict_document(title=title), tag) for title in ("Satu", "Dua")]
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["type"] == "urn:bus:problem:contract-version-changed"
    assert second.headers["etag"] == first.headers["etag"] != tag
    assert (await client.get(VERSION, headers=owner())).json()["document"]["title"] == "Satu"


async def test_replacing_a_draft_unseen_is_refused(client: httpx.AsyncClient) -> None:
    await post(client, a_strict_document())
    assert (await put(client, a_strict_document(title="Lain"), None)).status_code == 428


@pytest.mark.parametrize(("tag", "status"), [("*", 200), ('"x", "y"', 412), ('W/"x"', 412), ("x", 400)])
async def test_if_match_is_read_as_the_standard_says(client: httpx.AsyncClient, tag: str, status: int) -> None:
    await post(client, a_strict_document())
    assert (await put(client, a_strict_document(title="Lain"), tag)).status_code == status


async def test_one_of_several_tags_is_enough_and_a_weak_one_is_not(client: httpx.AsyncClient) -> None:
    tag = (await post(client, a_strict_document())).headers["etag"]
    assert (await put(client, a_strict_document(title="Lain"), f"W/{tag}")).status_code == 412
    assert (await put(client, a_strict_document(title="Lain"), f'"x", {tag}')).status_code == 200


async def test_a_proposed_version_that_is_replaced_is_a_draft_again(client: httpx.AsyncClient) -> None:
    await post(client, a_strict_document())
    tag = (await client.post(f"{VERSION}/propose", headers=owner())).headers["etag"]
    replaced = (await put(client, a_strict_document(title="Lain"), tag)).json()
    assert (replaced["state"], [move["state"] for move in replaced["history"]]) == (
        "draft",
        ["draft", "proposed", "draft"],
    )


async def test_an_active_version_is_not_replaced(client: httpx.AsyncClient) -> None:
    await activate(client)
    tag = (await client.get(VERSION, headers=owner())).headers["etag"]
    assert (await put(client, a_strict_document(title="Lain"), tag)).status_code == 409


async def test_a_document_goes_where_it_says(client: httpx.AsyncClient) -> None:
    await post(client, a_strict_document())
    answer = await put(client, a_strict_document(version="1.0.1", contract="uji.lain"), "*")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/contract", "/version"]


async def test_what_is_not_there_is_not_replaced(client: httpx.AsyncClient) -> None:
    assert (await put(client, a_strict_document(), "*")).status_code == 404


async def test_nobody_replaces_another_s_draft(client: httpx.AsyncClient) -> None:
    await post(client, a_strict_document())
    assert (await put(client, a_strict_document(title="Lain"), "*", another())).status_code == 403


@pytest.mark.parametrize("step", ["propose", "activate"])
async def test_a_step_is_taken_from_the_state_that_was_read(client: httpx.AsyncClient, step: str) -> None:
    tag = (await post(client, a_strict_document())).headers["etag"]
    await post(client, a_strict_document(title="Lain"))
    answer = await client.post(f"{VERSION}/{step}{SEEN.get(step, '')}", headers={**owner(), "if-match": tag})
    assert answer.status_code == 412


async def test_registering_again_honours_the_tag(client: httpx.AsyncClient) -> None:
    tag = (await post(client, a_strict_document())).headers["etag"]
    conditional = {**owner(), "if-match": tag}
    assert [
        (await post(client, a_strict_document(title=title), conditional)).status_code for title in ("Satu", "Dua")
    ] == [
        201,
        412,
    ]


async def test_what_the_reader_has_is_not_sent_again(client: httpx.AsyncClient) -> None:
    tag = (await post(client, a_strict_document())).headers["etag"]
    before = await client.get(VERSION, headers={**owner(), "if-none-match": tag})
    await client.post(f"{VERSION}/propose", headers=owner())
    after = await client.get(VERSION, headers={**owner(), "if-none-match": tag})
    assert (before.status_code, before.headers["etag"], after.status_code) == (304, tag, 200)
