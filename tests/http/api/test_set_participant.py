"""A participant that is set over HTTP: made known, corrected, or left as it is."""

from typing import Any

import pytest

from tests.a_bus import Bus

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BAPENDA = {"title": "Badan Pendapatan Daerah", "kind": "app"}


async def test_a_participant_is_made_corrected_and_left_as_it_is(bus: Bus) -> None:
    http = bus.reader("operator", "admin", "audit.read")
    answers = [
        await http.put("/v1/participants/bapenda", json=one)
        for one in (BAPENDA, BAPENDA, BAPENDA | {"title": "Bapenda"}, BAPENDA | {"title": "Bapenda"})
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200]
    assert answers[-1].json() == {"name": "bapenda", "title": "Bapenda", "kind": "app", "contact": None}
    acts = (await http.get("/v1/actions")).json()["actions"]
    # What changes nothing leaves no entry.
    verbs = [act["what"] for act in acts if act["object"]["id"] == "bapenda"]
    assert sorted(verbs) == ["participant.add", "participant.update"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Bapenda", {}),
        ("operator", {}),
        ("bapenda", {"kind": "operator"}),
        ("bapenda", {"title": "dua\nbaris"}),
        ("bapenda", {"title": ""}),
        ("bapenda", {"name": "lain"}),
    ],
)
async def test_what_no_participant_may_be_is_refused(bus: Bus, name: str, change: dict[str, Any]) -> None:
    http = bus.reader("operator", "admin")
    before = (await http.get("/v1/participants")).json()
    assert (await http.put(f"/v1/participants/{name}", json=BAPENDA | change)).status_code == 400
    assert (await http.get("/v1/participants")).json() == before


async def test_only_the_operator_sets_a_participant(bus: Bus) -> None:
    answer = await bus.reader("dinkes", "contracts.write").put("/v1/participants/bapenda", json=BAPENDA)
    assert answer.status_code == 403
