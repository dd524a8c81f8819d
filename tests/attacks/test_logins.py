"""Attacks on logins: whoever guesses, in whatever number, keeps nobody out and holds nobody up."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from argon2 import PasswordHasher
from joserfc import jwt
from joserfc.jwk import OKPKey
from sqlalchemy import text, update

from bus.identity.clients import Client
from bus.identity.tables import CLIENTS
from bus.identity.tokens import Unauthenticated
from bus.limits import Rate
from tests import no_tls
from tests.a_bus import ADDRESS, Bus
from tests.an_actor import OPERATOR
from tests.attacks.a_crowd import Requests, a_crowd, a_get, a_post, assert_goes_on

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FORM = "application/x-www-form-urlencoded"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ELSEWHERE = "127.0.0.2"
CROWD = 200
"""Connections; each has two ends in this process, which may open a thousand files."""


def a_client(bus: Bus, **changes: Any) -> tuple[Client, str]:
    """A new client of bapenda."""
    bus.token("bapenda")
    made = bus.rooms.participants.add_client("bapenda", ["events.read"], by=OPERATOR, **changes)
    bus.rooms.tokens.refresh()
    return made


def a_login(client_id: str, secret: str) -> bytes:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return a_post("/oauth/token", urlencode(form).encode(), FORM)


def an_assertion(key: OKPKey, client_id: str, jti: str) -> dict[str, str]:
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": ADDRESS, "exp": now + 60, "iat": now, "jti": jti}
    signed = jwt.encode({"alg": "EdDSA", "kid": key.thumbprint()}, claims, key, algorithms=["EdDSA"])
    return {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": signed}


@pytest.fixture
async def address(bus: Bus) -> AsyncIterator[str]:
    # The door bounds a crowd of strangers by itself; here it meets the logins.
    async with bus.opened(anonymous_rate=Rate(100_000, 1)) as (address, _):
        yield address


def right_login(address: str, http: httpx.AsyncClient, client: Client, secret: str) -> Callable[[], Awaitable[None]]:
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret}

    async def login() -> None:
        answer = await http.post(f"{address}/oauth/token", data=form)
        assert answer.status_code == 200, answer.text

    return login


ATTACKS: dict[str, Callable[[str], Requests]] = {
    "wrong secrets of the innocent's client": lambda client_id: lambda number: a_login(client_id, f"guess{number}"),
    "wrong secrets of clients that do not exist": lambda _: lambda number: a_login(f"client_{number}", "guess"),
    "no proof at all": lambda _: lambda number: a_post("/oauth/token", b"grant_type=client_credentials", FORM),
    "rubbish for assertions": lambda client_id: (
        lambda number: a_post(
            "/oauth/token",
            urlencode(
                {
                    "grant_type": "client_credentials",
                    "client_assertion_type": ASSERTION,
                    "client_assertion": f"e30.e30.{number}",
                }
            ).encode(),
            FORM,
        )
    ),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_many_wrong_logins_hold_up_no_right_one(bus: Bus, address: str, attack: Callable[[str], Requests]):
    innocent, secret = a_client(bus)

    @asynccontextmanager
    async def guessing() -> AsyncIterator[None]:
        # The bus answers strangers of one address one by one; the innocent logs in from another address.
        async with a_crowd(address, CROWD, attack(innocent.client_id), ELSEWHERE) as crowd:
            await crowd.hears(429)
            yield
        assert set(crowd.statuses) <= {401, 429}

    async with no_tls.AsyncClient(timeout=30) as http:
        await assert_goes_on(right_login(address, http, innocent, secret), guessing)


async def test_a_right_secret_passes_where_it_was_guessed_before_it_was_ever_used(bus: Bus, address: str):
    innocent, secret = a_client(bus)
    guess = ATTACKS["wrong secrets of the innocent's client"](innocent.client_id)
    async with a_crowd(address, CROWD, guess), no_tls.AsyncClient(timeout=30) as http:
        await right_login(address, http, innocent, secret)()


async def test_many_clients_that_do_not_exist_keep_no_new_client_out(bus: Bus, address: str):
    guess = ATTACKS["wrong secrets of clients that do not exist"]("")
    async with a_crowd(address, CROWD, guess), no_tls.AsyncClient(timeout=30) as http:
        admin = {"authorization": bus.token("dinas-kominfo", "admin")}
        bus.token("bapenda")
        path = f"{address}/v1/participants/bapenda/clients"
        made = (await http.post(path, json={"scopes": ["events.read"]}, headers=admin)).json()
        form = {"grant_type": "client_credentials", **made}
        assert (await http.post(f"{address}/oauth/token", data=form)).status_code == 200


async def test_wrong_secrets_keep_out_no_client_that_signs(bus: Bus, address: str):
    key = OKPKey.generate_key("Ed25519")
    innocent, _ = a_client(bus, jwks={"keys": [key.as_dict(private=False)]})
    guess = ATTACKS["wrong secrets of the innocent's client"](innocent.client_id)
    async with a_crowd(address, CROWD, guess), no_tls.AsyncClient(timeout=30) as http:
        form = an_assertion(key, innocent.client_id, "once")
        assert (await http.post(f"{address}/oauth/token", data=form)).status_code == 200


async def test_forged_assertions_keep_out_no_client_that_signs(bus: Bus):
    key, forger = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("Ed25519")
    innocent, _ = a_client(bus, jwks={"keys": [key.as_dict(private=False)]})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS) as http:
        forms = [an_assertion(forger, innocent.client_id, f"forged{n}") for n in range(12)]
        await asyncio.gather(*(http.post("/oauth/token", data=form) for form in forms[:10]))
        for form, jti in zip(forms[10:], ("never proved", "just proved"), strict=True):
            assert (await http.post("/oauth/token", data=form)).status_code == 429
            answer = await http.post("/oauth/token", data=an_assertion(key, innocent.client_id, jti))
            assert answer.status_code == 200, answer.text


async def test_an_assertion_that_comes_again_and_again_costs_its_client_tokens(bus: Bus):
    key = OKPKey.generate_key("Ed25519")
    client, _ = a_client(bus, jwks={"keys": [key.as_dict(private=False)]})
    form = an_assertion(key, client.client_id, "once")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS) as http:
        assert (await http.post("/oauth/token", data=form)).status_code == 200
        assert (await http.post("/oauth/token", data=form)).status_code == 401
        bucket = bus.rooms.limits.get("bapenda").get_client_bucket(client.client_id, bus.rooms.limits.now())
        assert bucket.spent == 2
        bucket.charge(600)
        assert (await http.post("/oauth/token", data=form)).status_code == 429


async def test_requests_without_any_proof_keep_out_no_client_that_signs(bus: Bus):
    key = OKPKey.generate_key("Ed25519")
    bus.token("bapenda")
    form = {"grant_type": "client_credentials"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS) as http:
        while (await http.post("/oauth/token", data=form)).status_code == 401:
            pass
        # Its client was made since the process last looked: its signature cannot be verified beforehand.
        new, _ = bus.rooms.participants.add_client(
            "bapenda", ["events.read"], by=OPERATOR, jwks={"keys": [key.as_dict(private=False)]}
        )
        answer = await http.post("/oauth/token", data=an_assertion(key, new.client_id, "first"))
    assert answer.status_code == 200


async def test_wrong_logins_are_told_to_wait_as_rfc_6749_and_rfc_6585_say(bus: Bus):
    innocent, _ = a_client(bus)

    async def answers_to_guesses(client_id: str) -> list[httpx.Response]:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": "guess"}
        return [await http.post("/oauth/token", data=form) for _ in range(11)]

    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS) as http:
        answers, others = await asyncio.gather(answers_to_guesses(innocent.client_id), answers_to_guesses("client_x"))
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    refused = answers[-1]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["cache-control"] == "no-store"
    assert refused.json().keys() == {"error", "error_description"}
    # Nobody learns from the limit which clients exist.
    assert [(answer.status_code, answer.content) for answer in others] == [
        (answer.status_code, answer.content) for answer in answers
    ]


async def test_the_old_hash_of_a_client_is_a_digest_after_its_first_login(bus: Bus, address: str):
    innocent, secret = a_client(bus)
    mine = CLIENTS.c.client_id == innocent.client_id
    with bus.rooms.storage.write() as transaction:
        old = PasswordHasher(time_cost=2, memory_cost=8192, parallelism=1).hash(secret)
        transaction.execute(update(CLIENTS).where(mine).values(secret_hash=old))
    bus.rooms.tokens.refresh()
    async with no_tls.AsyncClient(timeout=30) as http:
        login = right_login(address, http, innocent, secret)
        form = {"grant_type": "client_credentials", "client_id": innocent.client_id, "client_secret": "guess"}
        assert (await http.post(f"{address}/oauth/token", data=form)).status_code == 401
        await login()
        kept = bus.rooms.participants.find_credentials(innocent.client_id)
        assert kept is not None
        assert kept.secret_hash.startswith("sha256:")
        bus.rooms.tokens.refresh()
        await login()


async def test_old_hashes_are_worked_on_in_a_bounded_number(bus: Bus):
    innocent, secret = a_client(bus)
    mine = CLIENTS.c.client_id == innocent.client_id
    with bus.rooms.storage.write() as transaction:
        old = PasswordHasher(time_cost=2, memory_cost=8192, parallelism=1).hash(secret)
        transaction.execute(update(CLIENTS).where(mine).values(secret_hash=old))
    bus.rooms.tokens.refresh()
    form = {"grant_type": "client_credentials", "client_id": innocent.client_id, "client_secret": "guess"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS) as http:
        answers = await asyncio.gather(*(http.post("/oauth/token", data=form) for _ in range(30)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= 10


async def test_a_client_that_makes_tokens_without_end_pushes_out_nobodys(bus: Bus):
    innocent = bus.token("dinkes").encode()
    bus.rooms.tokens.verify(innocent)
    greedy, _ = a_client(bus)
    for _ in range(3000):
        token = bus.rooms.tokens.issue(greedy, greedy.scopes, 60)
        bus.rooms.tokens.verify(f"Bearer {token}".encode())
    assert bus.rooms.tokens.find_known(innocent)
    assert len(bus.rooms.tokens._verified.values) < 300


async def test_a_client_that_asks_for_tokens_without_end_is_told_to_wait(bus: Bus):
    greedy, secret = a_client(bus)
    form = {"grant_type": "client_credentials", "client_id": greedy.client_id, "client_secret": secret}
    bus.rooms.limits.get("bapenda").get_client_bucket(greedy.client_id, bus.rooms.limits.now()).charge(290)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS) as http:
        answers = await asyncio.gather(*(http.post("/oauth/token", data=form) for _ in range(60)))
        other, others = a_client(bus)
        form = {"grant_type": "client_credentials", "client_id": other.client_id, "client_secret": others}
        assert (await http.post("/oauth/token", data=form)).status_code == 200
    assert {answer.status_code for answer in answers} == {200, 429}
    assert (
        next(answer for answer in answers if answer.status_code == 200).headers["ratelimit-policy"]
        == '"client_tokens";q=300;w=60'
    )


async def test_the_ids_of_assertions_are_forgotten_when_they_have_expired(bus: Bus):
    with bus.rooms.storage.read() as transaction:
        plan = transaction.rows(text("EXPLAIN QUERY PLAN DELETE FROM used_assertions WHERE expires_at < 5"))
    assert "ix_used_assertions_expires_at" in str(plan)


@pytest.mark.parametrize("jti", ["x" * 300, "x" * 3000])
async def test_the_id_of_an_assertion_is_bounded(bus: Bus, jti: str):
    key = OKPKey.generate_key("Ed25519")
    client, _ = a_client(bus, jwks={"keys": [key.as_dict(private=False)]})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS) as http:
        answer = await http.post("/oauth/token", data=an_assertion(key, client.client_id, jti))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_an_assertion_that_is_too_long_is_not_looked_at(bus: Bus):
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": "a" * 20_000}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS) as http:
        assert (await http.post("/oauth/token", data=form)).status_code == 400


TOKENS: dict[str, Callable[[Bus, int], str]] = {
    "of nobody": lambda bus, number: f"Bearer e30.{number}.e30",
    "of a departed client": lambda bus, number: _departed(bus),
}


def _departed(bus: Bus) -> str:
    client, _ = a_client(bus)
    token = bus.rooms.tokens.issue(client, client.scopes, 60)
    bus.rooms.participants.revoke_client("bapenda", client.client_id, by=OPERATOR)
    bus.rooms.tokens.refresh()
    return f"Bearer {token}"


@pytest.mark.parametrize("kind", TOKENS.keys())
async def test_many_bad_tokens_hold_up_no_new_good_one(bus: Bus, address: str, kind: str):
    bad = TOKENS[kind](bus, 1)
    with pytest.raises(Unauthenticated):
        await bus.rooms.tokens.authenticate(bad.encode())

    async with no_tls.AsyncClient(timeout=30) as http:

        async def first_request() -> None:
            headers = {"authorization": bus.token("dinkes", "contracts.read")}
            assert (await http.get(f"{address}/v1/contracts", headers=headers)).status_code == 200

        @asynccontextmanager
        async def crowding(authorization: str, path: str, status: int) -> AsyncIterator[None]:
            async with a_crowd(address, 30, lambda number: a_get(path, authorization)) as crowd:
                yield
            assert set(crowd.statuses) == {status}

        # The cheapest request sets the measure: a bad token costs no more than a few of them.
        await assert_goes_on(
            first_request, lambda: crowding(bad, "/v1/contracts", 401), lambda: crowding("", "/healthz", 200)
        )
