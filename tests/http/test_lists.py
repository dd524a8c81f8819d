"""Every list of the HTTP surface, found in its OpenAPI document: which cursors it takes."""

from typing import Any

import pytest

from bus.http.cursors import Listing, write_next_name, write_position
from bus.identity import Scope
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_grant

FOREIGN = {
    "no base64": "!!!!",
    "another alphabet": "~~~",
    "padding": "ZgBh==",
    "nothing behind the name": "Zg",
    "zeros": "AAAA",
    "no ASCII": "é",
    "a feed's": write_position(Listing.FEED, "lain.hal", 1),
    "a cut cursor": write_position(Listing.FEED, WARGA, 12345)[:-1],
    "a list's of names": write_next_name(Listing.ACCESS, "siapa-pun", ["a", "b"], 1),
}

NEEDED = {"/v1/disclosures": {"participant": OWNER}}
"""Parameters without which a list answers nothing."""


async def paths_of_lists(bus: Bus) -> list[str]:
    document: dict[str, Any] = (await bus.reader(OWNER).get("/openapi.json")).json()
    found = [
        path
        for path, operations in document["paths"].items()
        if any(one["name"] == "after" for one in operations.get("get", {}).get("parameters", ()))
    ]
    return [path.replace("{contract}", WARGA).replace("{name}", OWNER) for path in found]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("cursor", FOREIGN.values(), ids=FOREIGN)
async def test_no_list_takes_a_cursor_that_it_did_not_give(bus: Bus, cursor: str) -> None:
    bus.apply(a_document(a_grant(OWNER)))
    paths = await paths_of_lists(bus)
    assert len(paths) >= 11
    reader = bus.reader(OWNER, *Scope)
    for path in paths:
        needed = NEEDED.get(path, {})
        assert (await reader.get(path, params=needed)).status_code == 200, path
        answer = await reader.get(path, params={**needed, "after": cursor})
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:bus:problem:cursor-invalid"), path
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/query/after"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_list_of_one_participant_takes_no_cursor_of_anothers(bus: Bus) -> None:
    operator = bus.reader(OWNER, *Scope)
    for name in ("bapenda", "dinkes"):
        bus.token(name)
        bus.token(name)
    following = (await operator.get("/v1/participants/bapenda/clients?limit=1")).json()["next"]
    assert (await operator.get("/v1/participants/bapenda/clients", params={"after": following})).status_code == 200
    assert (await operator.get("/v1/participants/dinkes/clients", params={"after": following})).status_code == 400
