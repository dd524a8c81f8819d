"""Attacks with adapter documents on the server that checks them: what never ends, what fills the memory, what is too much."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bus.declared import Judge, make_draft
from bus.heavy import Bounds, Processes, Shares, TooHeavy
from bus.identity import Keys
from bus.storage import Storage
from tests.a_bus import Bus, a_bus
from tests.builders import a_document as a_contract
from tests.declared.a_declared_agency import a_body, a_delivery, a_query
from tests.http.api.test_adapters import SCOPES, SECRET, VERSIONS, a_document, activate, problem, register

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ENDLESS = "($f := function($n) { $f($n + 1) }; $f(0))"
HUGE = "$reduce([1..40], function($text, $number) { $text & $text }, 'panjang')"


@pytest.fixture
async def judge(bus: Bus) -> AsyncIterator[Judge]:
    workers = Processes(Shares(at_once=1, each=1), Bounds(10.0, 256 * 1024 * 1024))
    yield Judge(bus.rooms.catalogue, workers, {})
    await workers.close()


def a_trap(expression: str) -> dict[str, Any]:
    example = {"title": "jebakan", "question": {"nomor": 1}, "answer": {"body": {}}, "result": {}}
    return a_body(a_query(answer=expression, examples=[example]))


async def test_an_expression_without_an_end_is_a_finding(judge: Judge) -> None:
    judged = await judge.judge(make_draft(a_trap(ENDLESS)), "bapenda")
    assert any("takes too long" in one.detail or "calls itself" in one.detail for one in judged.errors), judged.errors


async def test_a_document_that_fills_the_memory_is_refused_and_the_next_is_checked(judge: Judge) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with suppress(TooHeavy):
        assert (await judge.judge(make_draft(a_trap(HUGE)), "bapenda")).errors
    ticking.cancel()
    # The event loop went on meanwhile.
    assert ticks > 5
    assert not (await judge.judge(make_draft(a_body()), "dinkes")).errors


async def test_an_office_that_may_only_write_changes_nothing_in_force(bus: Bus) -> None:
    office, operator = bus.reader("bapenda", "contracts.write"), bus.reader("operator", *SCOPES, "admin")
    await register(operator, a_document())
    await activate(operator)
    for act in ("activate", "deprecate", "retire"):
        assert problem(await office.post(f"{VERSIONS}/1.0.0/{act}")) == (403, "scope-missing")
    assert problem(await office.post(f"{VERSIONS}/1.0.0/propose")) == (403, "adapter-not-owner")
    assert problem(await register(office, a_document(owner="bapenda", version="9.0.0"))) == (403, "adapter-not-owner")
    approver = bus.reader("bapenda", "contracts.approve")
    assert problem(await approver.post(f"{VERSIONS}/1.0.0/retire")) == (403, "adapter-not-owner")
    assert bus.rooms.adapters.in_force["badan"].version == "1.0.0"


async def test_who_names_himself_owner_of_a_foreign_version_does_not_get_its_name(
    storage: Storage, bus_keys: Keys, tmp_path: Path
) -> None:
    """The operator named an owner. Another office's draft of the name, from before, stays a draft."""
    async with a_bus(storage, bus_keys, tmp_path, adapters={"badan": {"owner": "dinas-kominfo"}}) as bus:
        owner, other = bus.reader("dinas-kominfo", *SCOPES), bus.reader("bapenda", *SCOPES)
        await register(other, a_document(owner="bapenda", version="3.0.0"))
        await register(owner, a_document())
        assert (await activate(owner)).status_code == 200
        assert problem(await activate(other, "3.0.0")) == (403, "adapter-operator-word")
        assert problem(await activate(owner, "3.0.0")) == (403, "adapter-not-owner")


async def test_a_secret_that_a_document_calls_a_setting_is_shown_to_no_expression(
    storage: Storage, bus_keys: Keys, tmp_path: Path
) -> None:
    """The owner may put versions in force alone, and the operator bound the secret to one host."""
    given = {"owner": "dinas-kominfo", "kunci": "rahasia-sekali", "kunci_hosts": "8.8.8.8"}
    async with a_bus(storage, bus_keys, tmp_path, adapters={"badan": given}) as bus:
        owner = bus.reader("dinas-kominfo", *SCOPES)
        await register(owner, a_document(**SECRET))
        assert (await activate(owner)).status_code == 200
        thief = a_document(
            a_delivery(requests=[{"method": "POST", "path": "/terima", "body": {"json": "$settings"}}]),
            version="1.1.0",
            servers=[{"name": "pencuri", "url": "https://9.9.9.9"}],
            settings={"kunci": {"title": "Bukan rahasia"}},
        )
        await register(owner, thief)
        answer = await activate(owner, "1.1.0")
        assert problem(answer) == (409, "adapter-settings")
        assert "BUS_ADAPTERS__BADAN__KUNCI: is a secret" in answer.json()["detail"]
        assert bus.rooms.adapters.in_force["badan"].version == "1.0.0"


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "connection"])
async def test_no_document_leads_a_request_to_another_server_at_the_same_address(bus: Bus, name: str) -> None:
    """A host that many share, such as a gateway's, would hand a bound secret to whomever `Host` names."""
    owner = bus.reader("dinas-kominfo", *SCOPES)
    request = {"method": "POST", "path": "/terima", "headers": {name: "'penyerang.example'"}, "body": {"json": "data"}}
    answer = await register(owner, a_document(a_delivery(requests=[request])))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/operations/0/requests/0/headers/{name}"
    shown = {"kind": "api_key", "secret": "kunci", "in": "header", "name": name}
    answer = await register(owner, a_document(secrets=SECRET["secrets"], auth=[shown]))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/auth/0")


async def test_a_document_that_calls_its_data_public_does_not_lead_persons_elsewhere_by_one_hand(
    storage: Storage, bus_keys: Keys, tmp_path: Path
) -> None:
    """A contract about persons may name an operation that asks for nothing. Its events would go to the new server."""
    async with a_bus(storage, bus_keys, tmp_path, adapters={"badan": {"owner": "dinas-kominfo"}}) as bus:
        owner, second = bus.reader("dinas-kominfo", *SCOPES), bus.reader("dinas-kominfo", *SCOPES)
        await register(owner, a_document())
        assert (await activate(owner)).status_code == 200
        bus.apply(a_contract(adapters=[{"adapter": "badan", "operation": "kirim"}]))
        elsewhere = [{"name": "lain", "url": "https://9.9.9.9"}]
        await register(owner, a_document(version="1.1.0", servers=elsewhere))
        assert problem(await activate(owner, "1.1.0")) == (409, "adapter-four-eyes")
        assert bus.rooms.adapters.in_force["badan"].version == "1.0.0"
        assert (await activate(second, "1.1.0")).status_code == 200


async def test_an_owner_does_not_publish_as_another_participant_by_its_own_word(
    storage: Storage, bus_keys: Keys, tmp_path: Path
) -> None:
    """Contracts name the operation, and not whom it publishes as. Rows of one office would come as another's."""
    async with a_bus(storage, bus_keys, tmp_path, adapters={"badan": {"owner": "dinas-kominfo"}}) as bus:
        owner, operator = bus.reader("dinas-kominfo", *SCOPES), bus.reader("operator", *SCOPES, "admin")
        await register(owner, a_document())
        assert (await activate(owner)).status_code == 200
        await register(owner, a_document(version="1.1.0", participant="disdukcapil"))
        assert problem(await activate(owner, "1.1.0")) == (403, "adapter-operator-word")
        assert (await activate(operator, "1.1.0")).status_code == 200


async def test_a_token_goes_where_its_secret_may_go(storage: Storage, bus_keys: Keys, tmp_path: Path) -> None:
    """The secret would buy a token at the agency, as the operator wants, and the token would go to the author's server."""
    bound = {"owner": "dinas-kominfo", "kunci": "rahasia-sekali", "kunci_hosts": "8.8.8.8"}
    login = {"kind": "oauth2", "token_path": "https://8.8.8.8/token", "client_id": "kunci", "client_secret": "kunci"}
    async with a_bus(storage, bus_keys, tmp_path, adapters={"badan": bound}) as bus:
        owner = bus.reader("dinas-kominfo", *SCOPES)
        await register(owner, a_document(**(SECRET | {"auth": [login]})))
        assert (await activate(owner)).status_code == 200
        theirs = [{"name": "pencuri", "url": "https://9.9.9.9"}]
        await register(owner, a_document(**(SECRET | {"auth": [login], "version": "1.1.0", "servers": theirs})))
        answer = await activate(owner, "1.1.0")
        assert problem(answer) == (409, "adapter-settings")
        assert "KUNCI_HOSTS: should list 9.9.9.9" in answer.json()["detail"]


async def test_a_proposal_that_changed_under_the_eyes_of_the_operator_is_not_put_in_force(bus: Bus) -> None:
    owner, operator = bus.reader("dinas-kominfo", *SCOPES), bus.reader("operator", *SCOPES, "admin")
    await register(owner, a_document())
    assert (await owner.post(f"{VERSIONS}/1.0.0/propose")).status_code == 200
    await register(owner, a_document(servers=[{"name": "lain", "url": "https://9.9.9.9"}]))
    assert problem(await activate(operator)) == (409, "adapter-four-eyes")
    assert (await owner.post(f"{VERSIONS}/1.0.0/propose")).status_code == 200
    assert (await activate(operator)).status_code == 200


@pytest.mark.parametrize("changes", [{"participant": "disdukcapil"}, {"owner": "bapenda"}])
async def test_a_first_version_speaks_for_nobody_else_by_the_word_of_its_named_owner(
    storage: Storage, bus_keys: Keys, tmp_path: Path, changes: dict[str, str]
) -> None:
    """No version was in force, so nobody agreed yet to whom the adapter belongs and as whom it publishes."""
    async with a_bus(storage, bus_keys, tmp_path, adapters={"badan": {"owner": "dinas-kominfo"}}) as bus:
        owner, operator = bus.reader("dinas-kominfo", *SCOPES), bus.reader("operator", *SCOPES, "admin")
        await register(bus.reader(changes.get("owner", "dinas-kominfo"), *SCOPES), a_document(**changes))
        assert problem(await activate(owner)) == (403, "adapter-operator-word")
        assert "badan" not in bus.rooms.adapters.in_force
        assert (await activate(operator)).status_code == 200


@pytest.mark.parametrize("participant", ["badan", "dinas-kominfo"])
async def test_a_named_owner_puts_the_first_version_in_force_that_speaks_for_itself(
    storage: Storage, bus_keys: Keys, tmp_path: Path, participant: str
) -> None:
    async with a_bus(storage, bus_keys, tmp_path, adapters={"badan": {"owner": "dinas-kominfo"}}) as bus:
        owner = bus.reader("dinas-kominfo", *SCOPES)
        await register(owner, a_document(participant=participant))
        assert (await activate(owner)).status_code == 200
