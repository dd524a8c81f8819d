"""Adapter documents over HTTP: who registers, proposes and activates them, what is refused, and what the answers say."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bus.identity import Keys, Scope
from bus.storage import Storage
from tests.a_bus import Bus, a_bus
from tests.builders import a_grant, a_public_document
from tests.declared.a_declared_agency import a_body, a_delivery, a_poll, a_query

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The edge is the same on both databases; the register has tests of its own on both."""

OWNER = "dinas-kominfo"
SCOPES = ("contracts.read", "contracts.write", "contracts.approve")
VERSIONS = "/v1/adapters/badan/versions"
PUBLIC = [{"name": "uji", "url": "https://8.8.8.8/api"}]
SECRET = {
    "secrets": {"kunci": {"title": "Kunci"}},
    "auth": [{"kind": "api_key", "secret": "kunci", "in": "header", "name": "x-key"}],
}


def a_document(*operations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return a_body(*(operations or [a_delivery()]), **({"owner": OWNER, "servers": PUBLIC} | changes))


def a_personal(**changes: Any) -> dict[str, Any]:
    return a_document(a_delivery(least="personal", person="/nik"), **changes)


@pytest.fixture
async def named(storage: Storage, bus_keys: Keys, tmp_path: Path) -> AsyncIterator[Bus]:
    """A bus whose operator names the owner of the adapter."""
    async with a_bus(storage, bus_keys, tmp_path, adapters={"badan": {"owner": OWNER}}) as bus:
        yield bus


@pytest.fixture
async def bound(storage: Storage, bus_keys: Keys, tmp_path: Path) -> AsyncIterator[Bus]:
    """A bus whose operator bound the adapter's secret to another host than the document's."""
    secret = {"kunci": "rahasia-sekali", "kunci_hosts": "badan.example"}
    async with a_bus(storage, bus_keys, tmp_path, adapters={"badan": secret}) as bus:
        yield bus


async def register(http: httpx.AsyncClient, document: dict[str, Any]) -> httpx.Response:
    return await http.post("/v1/adapters", json=document)


async def activate(http: httpx.AsyncClient, version: str = "1.0.0", **headers: str) -> httpx.Response:
    return await http.post(f"{VERSIONS}/{version}/activate", headers=headers)


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


async def test_a_document_goes_from_draft_to_force_and_back(bus: Bus) -> None:
    owner, operator = bus.reader(OWNER, *SCOPES), bus.reader("operator", *SCOPES, "admin")
    made = await register(owner, a_document())
    assert (made.status_code, made.headers["location"]) == (201, f"{VERSIONS}/1.0.0")
    assert (made.json()["state"], made.json()["lint"][0]["code"]) == ("draft", "example")
    assert made.json()["document"] == a_document()
    proposed = await owner.post(f"{VERSIONS}/1.0.0/propose", headers={"if-match": made.headers["etag"]})
    assert proposed.json()["state"] == "proposed"
    assert (await activate(operator)).json()["state"] == "active"
    await register(owner, a_document(version="1.1.0"))
    assert (await activate(operator, "1.1.0")).status_code == 200
    seen = (await owner.get("/v1/adapters/badan")).json()
    assert (seen["current"], [one["state"] for one in seen["versions"]]) == ("1.1.0", ["deprecated", "active"])
    assert (await activate(operator)).status_code == 200
    seen = (await owner.get("/v1/adapters")).json()["adapters"][0]
    assert (seen["current"], [one["state"] for one in seen["versions"]]) == ("1.0.0", ["active", "deprecated"])
    acts = (await bus.reader("operator", *Scope).get("/v1/actions")).json()["actions"]
    told = [
        (one["what"], one["who"]["participant"], one["object"]["id"])
        for one in acts
        if one["object"]["kind"] == "adapter"
    ]
    assert told[::-1] == [
        ("adapter.draft", OWNER, "badan/1.0.0"),
        ("adapter.propose", OWNER, "badan/1.0.0"),
        ("adapter.activate", "operator", "badan/1.0.0"),
        ("adapter.draft", OWNER, "badan/1.1.0"),
        ("adapter.deprecate", "operator", "badan/1.0.0"),
        ("adapter.activate", "operator", "badan/1.1.0"),
        ("adapter.deprecate", "operator", "badan/1.1.0"),
        ("adapter.activate", "operator", "badan/1.0.0"),
    ]


async def test_who_read_another_state_changes_nothing(bus: Bus) -> None:
    owner, operator = bus.reader(OWNER, *SCOPES), bus.reader("operator", *SCOPES, "admin")
    made = await register(owner, a_document())
    await register(owner, a_document(title="Badan lain"))
    stale = await activate(operator, **{"if-match": made.headers["etag"]})
    assert problem(stale) == (412, "adapter-version-changed")
    read = await owner.get(f"{VERSIONS}/1.0.0")
    again = await owner.get(f"{VERSIONS}/1.0.0", headers={"if-none-match": read.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_an_office_puts_no_adapter_in_force(bus: Bus) -> None:
    owner = bus.reader(OWNER, *SCOPES)
    await register(owner, a_document())
    assert problem(await activate(owner)) == (403, "adapter-operator-word")
    assert problem(await bus.reader(OWNER, "contracts.write").post(f"{VERSIONS}/1.0.0/activate")) == (
        403,
        "scope-missing",
    )
    assert bus.rooms.adapters.in_force == {}


async def test_the_owner_whom_the_operator_names_puts_it_in_force_with_another_client(named: Bus) -> None:
    author, second = named.reader(OWNER, *SCOPES), named.reader(OWNER, *SCOPES)
    await register(author, a_personal())
    assert problem(await activate(author)) == (409, "adapter-four-eyes")
    assert (await activate(second)).json()["state"] == "active"
    await register(second, a_personal(version="1.1.0"))
    assert problem(await activate(second, "1.1.0")) == (409, "adapter-four-eyes")
    # The way back needs one person: the version was approved before.
    assert (await activate(author, "1.1.0")).status_code == 200
    assert (await activate(author, "1.0.0")).status_code == 200


async def test_who_changed_a_proposal_cannot_have_it_activated_unread(bus: Bus) -> None:
    author, operator = bus.reader(OWNER, *SCOPES), bus.reader("operator", *SCOPES, "admin")
    await register(author, a_personal())
    await author.post(f"{VERSIONS}/1.0.0/propose")
    await register(author, a_personal(title="Diam-diam lain"))
    assert problem(await activate(operator)) == (409, "adapter-four-eyes")


async def test_a_name_belongs_to_whose_version_was_in_force(bus: Bus) -> None:
    owner, other, operator = (bus.reader(name, *SCOPES) for name in (OWNER, "bapenda", "dinkes"))
    assert problem(await register(other, a_document())) == (403, "adapter-not-owner")
    assert (await register(other, a_document(owner="bapenda"))).status_code == 201
    assert problem(await register(owner, a_document())) == (409, "adapter-version-taken")
    assert problem(await operator.post(f"{VERSIONS}/1.0.0/propose")) == (403, "adapter-not-owner")
    await register(owner, a_document(version="2.0.0"))
    await activate(bus.reader("operator", *SCOPES, "admin"), "2.0.0")
    assert problem(await register(other, a_document(owner="bapenda", version="3.0.0"))) == (403, "adapter-not-owner")
    assert problem(await register(owner, a_document(version="2.0.0", title="Lain"))) == (409, "adapter-version-taken")


@pytest.mark.parametrize("name", ["kemendagri", "ksp"])
async def test_no_document_takes_the_name_of_an_installed_adapter(bus: Bus, name: str) -> None:
    answer = await register(bus.reader("operator", *SCOPES, "admin"), a_document(adapter=name))
    assert problem(answer) == (409, "adapter-name-taken")


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://10.1.2.3/api", "adapter-address"),
        ("https://169.254.169.254", "adapter-address"),
        ("https://127.0.0.1", "adapter-address"),
        ("http://8.8.8.8", "adapter-address"),
    ],
)
async def test_a_server_must_be_where_the_bus_may_connect_to(bus: Bus, url: str, slug: str) -> None:
    owner = bus.reader(OWNER, *SCOPES)
    assert (await register(owner, a_document(servers=[{"name": "uji", "url": url}]))).status_code == 201
    for who, act in ((owner, "propose"), (bus.reader("operator", *SCOPES, "admin"), "activate")):
        answer = await who.post(f"{VERSIONS}/1.0.0/{act}")
        assert problem(answer) == (409, slug)
        assert answer.json()["errors"][0]["pointer"] == "/servers/0/url"


@pytest.mark.parametrize("url", ["https://xn--a", "https://x:99999", "https://x:0", "https://x/../y"])
async def test_a_server_must_be_an_address(bus: Bus, url: str) -> None:
    answer = await register(bus.reader(OWNER, *SCOPES), a_document(servers=[{"name": "uji", "url": url}]))
    assert problem(answer) == (422, "adapter-invalid")
    assert answer.json()["errors"][0]["pointer"] == "/servers/0/url"


async def test_no_secret_goes_to_a_host_that_is_not_bound(bound: Bus) -> None:
    operator = bound.reader("operator", *SCOPES, "admin")
    await register(operator, a_document(**SECRET))
    answer = await activate(operator)
    assert problem(answer) == (409, "adapter-settings")
    assert "BUS_ADAPTERS__BADAN__KUNCI_HOSTS" in answer.json()["detail"]
    assert "rahasia-sekali" not in answer.text


async def test_missing_secrets_turn_the_adapter_off_and_the_problem_names_them(bus: Bus) -> None:
    bus.apply(a_public_document("uji.tanya", "dinas-uji", **a_question("cari")))
    operator = bus.reader("operator", *SCOPES, "admin")
    await register(operator, a_document(a_query(), **SECRET))
    assert (await activate(operator)).status_code == 200
    off = (await operator.get("/v1/adapters/badan")).json()["off"]
    assert "BUS_ADAPTERS__BADAN__KUNCI: " in off
    asked = await bus.reader("bapenda", "queries.call").post("/v1/queries/uji.tanya", json={"nomor": 1})
    assert problem(asked) == (503, "adapter-off")
    assert "BUS_ADAPTERS__BADAN__KUNCI_HOSTS" in asked.json()["detail"]


def a_question(operation: str) -> dict[str, Any]:
    return {
        "kind": "query",
        "adapters": [{"adapter": "badan", "operation": operation}],
        "request": {"type": "object", "properties": {"nomor": {"type": "integer"}}},
        "answer": {"type": "object"},
        "consumers": [a_grant()],
    }


async def test_a_version_must_serve_the_contracts_that_name_it(bus: Bus) -> None:
    operator, second = (bus.reader("operator", *SCOPES, "admin") for _ in range(2))
    await register(operator, a_document(a_query()))
    await activate(operator)
    bus.apply(a_public_document("uji.tanya", "dinas-uji", **a_question("cari")))
    lacks = a_document(a_delivery(), version="2.0.0")
    demands = a_document(a_query(least="personal", person="/nik"), version="2.1.0")
    reads = a_document(a_query(fields=["/tahun"]), version="2.2.0")
    kind = a_document(a_delivery(name="cari"), version="2.3.0")
    for document, what in (
        (lacks, "badan has no operation cari"),
        (demands, "must be personal or more"),
        (reads, "declares no /tahun"),
        (kind, "does not serve contracts of kind query"),
    ):
        await register(second, document)
        answer = await activate(operator, document["version"])
        assert problem(answer) == (409, "adapter-incompatible")
        assert "uji.tanya 1.0.0" in answer.json()["errors"][0]["detail"]
        assert what in answer.json()["errors"][0]["detail"]
    assert bus.rooms.adapters.in_force["badan"].version == "1.0.0"


async def test_a_contract_is_judged_by_the_document_in_force(bus: Bus) -> None:
    operator, second = (bus.reader("operator", *SCOPES, "admin") for _ in range(2))
    await register(second, a_document(a_query(least="personal", person="/nik")))
    await activate(operator)
    document = a_public_document("uji.tanya", "dinas-uji", **a_question("cari"))
    await operator.post("/v1/contracts", json=document)
    answer = await operator.post("/v1/contracts/uji.tanya/versions/1.0.0/activate")
    assert problem(answer) == (409, "contract-not-ready")
    assert "must be personal or more" in answer.text


async def test_a_faulty_document_is_refused_with_its_places(bus: Bus) -> None:
    owner = bus.reader(OWNER, *SCOPES)
    answer = await register(owner, a_document(a_delivery(does="hapus")))
    assert problem(answer) == (422, "adapter-invalid")
    assert answer.json()["errors"][0]["pointer"].startswith("/operations/0")
    example = {"title": "salah", "answer": {"body": []}, "result": [{"key": "1", "data": {}}]}
    made = await register(owner, a_document(a_poll(examples=[example])))
    assert made.status_code == 201
    assert "error" in {one["severity"] for one in made.json()["lint"]}
    assert problem(await owner.post(f"{VERSIONS}/1.0.0/propose")) == (409, "adapter-not-ready")


async def test_a_hostile_title_stays_a_text(bus: Bus) -> None:
    owner = bus.reader(OWNER, *SCOPES)
    title = "<script>alert(1)</script>"
    assert (await register(owner, a_document(title=title))).json()["title"] == title
    listed = await owner.get("/v1/adapters")
    assert (listed.headers["content-type"], listed.json()["adapters"][0]["title"]) == ("application/json", title)


@pytest.mark.parametrize("title", ["\x00", "merah \x1b[31m", "terbalik \u202e"])
async def test_a_title_has_no_characters_that_nobody_sees(bus: Bus, title: str) -> None:
    answer = await register(bus.reader(OWNER, *SCOPES), a_document(title=title))
    assert (problem(answer), answer.json()["errors"][0]["pointer"]) == ((422, "adapter-invalid"), "/title")


@pytest.mark.parametrize("event", [{"id": 7}, {"source": []}, {"time": {}}])
async def test_an_example_of_odd_events_is_refused_with_its_place(bus: Bus, event: dict[str, Any]) -> None:
    document = a_document(a_delivery(examples=[{"title": "aneh", "events": [event], "answer": {}}]))
    answer = await register(bus.reader(OWNER, *SCOPES), document)
    assert problem(answer) == (422, "adapter-invalid")
    assert answer.json()["errors"][0]["pointer"] == f"/operations/0/examples/0/events/0/{next(iter(event))}"


async def test_an_office_holds_a_bounded_number_of_drafts(bus: Bus) -> None:
    owner = bus.reader(OWNER, *SCOPES)
    admin = bus.reader("operator", "admin")
    await admin.put(f"/v1/participants/{OWNER}/limits", json={"limits": {"drafts": 2}})
    answers = [await register(owner, a_document(version=f"1.0.{number}")) for number in range(3)]
    assert [one.status_code for one in answers] == [201, 201, 429]


async def test_lists_come_in_pages(bus: Bus) -> None:
    operator = bus.reader("operator", *SCOPES, "admin")
    for name in ("satu", "dua", "tiga"):
        await register(operator, a_document(adapter=name))
    first = (await operator.get("/v1/adapters?limit=2")).json()
    rest = (await operator.get("/v1/adapters", params={"limit": 2, "after": first["next"]})).json()
    assert [one["adapter"] for one in first["adapters"] + rest["adapters"]] == ["dua", "satu", "tiga"]
    assert rest["next"] is None


async def test_what_is_not_there_is_not_found(bus: Bus) -> None:
    operator = bus.reader("operator", *SCOPES, "admin")
    for path in ("/v1/adapters/badan", f"{VERSIONS}/1.0.0"):
        assert problem(await operator.get(path)) == (404, "no-such-adapter")
    assert problem(await activate(operator)) == (404, "no-such-adapter")
    await register(operator, a_document())
    assert problem(await operator.post(f"{VERSIONS}/1.0.0/deprecate")) == (409, "adapter-transition")
