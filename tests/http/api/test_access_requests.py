"""Requests for access over HTTP: who asks, who decides, and what the draft then grants."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from bus import clock
from bus.actions import Verb
from bus.contracts import State, parse_contract
from bus.contracts.document import parse_contract_text
from bus.contracts.errors import ChangedMeanwhile
from bus.identity import Scope
from tests.a_bus import Bus
from tests.an_actor import actions, an_actor, last_action
from tests.builders import FAR, OWNER, WARGA, a_document, a_grant, a_person
from tests.http.a_feed import FEED

PATH = "/v1/access-requests"
sqlite_alone = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def a_wish(**changes: Any) -> dict[str, Any]:
    wish = {
        "contract": WARGA,
        "purpose": "pemutakhiran wajib pajak",
        "legal_basis": "Perda 1/2024",
        "agreement": "PKS 9/2026",
        "fields": ["/nik", "/nama"],
        "until": FAR,
    }
    return wish | changes


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:bus:problem:")


@pytest.fixture
def granting(bus: Bus) -> Bus:
    """A bus whose contract grants dinkes alone something; its owner decides in the domain."""
    bus.apply(a_document(a_grant("dinkes")))
    return bus


def asker(bus: Bus, name: str = "bapenda") -> httpx.AsyncClient:
    return bus.reader(name, Scope.CONTRACTS_READ, Scope.EVENTS_READ)


def owner(bus: Bus) -> httpx.AsyncClient:
    return bus.reader(OWNER, Scope.CONTRACTS_READ, Scope.CONTRACTS_APPROVE)


async def ask(bus: Bus, name: str = "bapenda", **changes: Any) -> str:
    answer = await asker(bus, name).post(PATH, json=a_wish(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_an_accepted_request_is_a_grant_in_a_draft_and_shows_nothing_yet(granting: Bus):
    await granting.publish(a_person(1))
    made = await ask(granting)
    (listed,) = (await owner(granting).get(PATH)).json()["access_requests"]
    assert (listed["id"], listed["participant"], listed["state"]) == (made, "bapenda", "asked")
    accepted = (await owner(granting).post(f"{PATH}/{made}/accept")).json()
    assert (accepted["state"], accepted["version"], accepted["decided_by"]) == ("accepted", "1.1.0", OWNER)
    drafted = granting.rooms.catalogue.registrar.read_version(WARGA, "1.1.0")
    grant = drafted.contract.grant("bapenda")
    assert grant is not None
    assert drafted.state is State.DRAFT
    assert (grant.purpose, grant.legal_basis, grant.fields) == (
        "pemutakhiran wajib pajak",
        "Perda 1/2024; PKS 9/2026",
        ("/nik", "/nama"),
    )
    assert drafted.contract.grant("dinkes") is not None
    assert problem(await asker(granting).get(FEED)) == (403, "not-granted")


@sqlite_alone
async def test_requests_accepted_one_after_the_other_come_together_in_one_draft(granting: Bus):
    ids = [await ask(granting, name) for name in ("bapenda", OWNER)]
    versions = [(await owner(granting).post(f"{PATH}/{made}/accept")).json()["version"] for made in ids]
    assert versions == ["1.1.0", "1.1.0"]
    contract = granting.rooms.catalogue.registrar.read_version(WARGA, "1.1.0").contract
    assert [grant.participant for grant in contract.grants] == ["dinkes", "bapenda", OWNER]


@sqlite_alone
async def test_who_asks_for_more_keeps_the_masks_and_rows_of_the_present_grant(granting: Bus):
    rows = [{"prefix": {"desa": "sem"}}]
    granting.apply(a_document(a_grant("dinkes", mask={"/nik": "pseudonym"}, rows=rows), version="1.1.0"))
    made = await ask(granting, "dinkes")
    accepted = (await owner(granting).post(f"{PATH}/{made}/accept")).json()
    (grant,) = granting.rooms.catalogue.registrar.read_version(WARGA, accepted["version"]).contract.grants
    assert (dict(grant.rows[0]), list(grant.mask)) == (rows[0], ["/nik"])
    assert grant.fields == ("/nik", "/nama")


@sqlite_alone
async def test_an_acceptance_does_not_overwrite_what_somebody_drafted_meanwhile(granting: Bus):
    requests = granting.rooms.catalogue.registrar.access_requests
    made = await ask(granting)
    by = an_actor(OWNER)
    sketch = requests.sketch(made, by)
    meanwhile = parse_contract(a_document(a_grant("dinkes", purpose="lain"), version="1.1.0"))
    granting.rooms.catalogue.registrar.add_draft(meanwhile, by)
    with pytest.raises(ChangedMeanwhile):
        requests.accept(made, parse_contract_text(sketch.document), sketch.tags, by)
    assert requests.get(made).state.value == "asked"


@sqlite_alone
async def test_the_longest_request_fits_into_a_contract_document(granting: Bus):
    made = await ask(granting, purpose="p" * 300, legal_basis="b" * 130, agreement="a" * 60)
    assert (await owner(granting).post(f"{PATH}/{made}/accept")).status_code == 200


@sqlite_alone
async def test_one_request_for_a_contract_waits_at_a_time(granting: Bus):
    made = await ask(granting)
    assert problem(await asker(granting).post(PATH, json=a_wish())) == (409, "access-asked-already")
    assert (await asker(granting).post(f"{PATH}/{made}/withdraw")).json()["state"] == "withdrawn"
    assert problem(await owner(granting).post(f"{PATH}/{made}/accept")) == (409, "access-decided")
    again = await ask(granting)
    refused = await owner(granting).post(f"{PATH}/{again}/refuse", json={"reason": "PKS 3524010101909001 berakhir"})
    assert (refused.json()["state"], refused.json()["reason"]) == ("refused", "PKS … berakhir")


@sqlite_alone
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"purpose": "  "}, "/purpose"),
        ({"legal_basis": "a\nb"}, "/legal_basis"),
        ({"agreement": "\u202e"}, "/agreement"),
        ({"fields": []}, "/fields"),
        ({"fields": ["/nik", "/gaji"]}, "/fields/1"),
        ({"fields": ["/nik", "/nik"]}, "/fields/1"),
        ({"fields": [""]}, "/fields/0"),
        ({"until": (clock.local_date(clock.now()) - timedelta(days=1)).isoformat()}, "/until"),
    ],
)
async def test_a_request_that_is_not_complete_is_refused_with_its_place(
    granting: Bus, changes: dict[str, Any], pointer: str
):
    answer = await asker(granting).post(PATH, json=a_wish(**changes))
    assert problem(answer) == (422, "access-request-invalid")
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


@sqlite_alone
async def test_others_neither_see_nor_decide(granting: Bus):
    made = await ask(granting)
    other = granting.reader("dinkes", Scope.CONTRACTS_READ, Scope.CONTRACTS_APPROVE)
    assert (await other.get(PATH)).json()["access_requests"] == []
    for step, body in (("accept", None), ("refuse", {"reason": "x"}), ("withdraw", None)):
        assert problem(await other.post(f"{PATH}/{made}/{step}", json=body)) == (404, "no-such-access-request")
    assert (await other.get(f"{PATH}/{made}")).status_code == 404
    itself = granting.reader("bapenda", Scope.CONTRACTS_APPROVE)
    assert problem(await itself.post(f"{PATH}/{made}/accept")) == (403, "not-owner")
    assert problem(await itself.post(f"{PATH}/{made}/refuse", json={"reason": "x"})) == (403, "not-owner")
    assert problem(await owner(granting).post(f"{PATH}/{made}/withdraw")) == (403, "not-asker")
    assert (await asker(granting).get(f"{PATH}/{made}")).json()["state"] == "asked"


@sqlite_alone
async def test_a_new_owner_finds_the_requests_for_its_contract(granting: Bus):
    made = await ask(granting)
    granting.apply(a_document(a_grant("bapenda"), version="1.1.0", owner="dinkes"))
    (listed,) = (await asker(granting, "dinkes").get(PATH)).json()["access_requests"]
    assert (listed["id"], listed["owner"]) == (made, "dinkes")
    assert (await owner(granting).get(PATH)).json()["access_requests"] == []


@sqlite_alone
async def test_pages_go_from_the_newest_to_the_oldest(granting: Bus):
    made: list[str] = []
    for _ in range(5):
        made.append(await ask(granting))
        await asker(granting).post(f"{PATH}/{made[-1]}/withdraw")
    found, after = [], ""
    for _ in range(3):
        page = (await asker(granting).get(PATH, params={"limit": 2, "after": after})).json()
        found += [one["id"] for one in page["access_requests"]]
        after = page["next"] or ""
    assert found == made[::-1]
    assert after == ""
    assert (await asker(granting).get(f"{PATH}?state=asked")).json()["access_requests"] == []


@sqlite_alone
async def test_each_step_is_in_the_action_log_with_the_contracts_owner(granting: Bus):
    asking, deciding = asker(granting), owner(granting)
    after = last_action(granting.rooms.storage)
    made = (await asking.post(PATH, json=a_wish())).json()["id"]
    await deciding.post(f"{PATH}/{made}/accept")
    asked, drafted, accepted = actions(granting.rooms.storage, after)
    assert [one.what for one in (asked, drafted, accepted)] == [
        Verb.ACCESS_ASK,
        Verb.CONTRACT_DRAFT,
        Verb.ACCESS_ACCEPT,
    ]
    assert (asked.by.participant, accepted.by.participant, accepted.on_behalf_of) == ("bapenda", OWNER, OWNER)
    assert accepted.after == {"state": "accepted", "version": "1.1.0"}
