"""Sign-in at an identity provider: who comes back gets the account and the role that its claims say, and nobody else does."""

import time
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import OctKey

from bus import clock
from bus.actions import Verb
from bus.process.staff import make_provider
from bus.staff import Challenges, ProviderSettings, Role
from bus.staff.provider import Provider
from bus.staff.tables import STAFF_SESSIONS
from tests.a_bus import ADDRESS, Bus
from tests.an_actor import OPERATOR, actions
from tests.console.a_console import SESSION, Browser, Console
from tests.staff.a_provider import ProviderProcess, run_provider

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CLIENT = "bus-lamongan"
START, PROVE = "/konsol/masuk/penyedia", "/konsol/buktikan/penyedia"
AUDITOR = {"sub": "s-1", "preferred_username": "rini", "peran": "auditor"}


@pytest.fixture(scope="module")
def process(request: pytest.FixtureRequest) -> Iterator[ProviderProcess]:
    with run_provider(request.config) as running:
        yield running


@pytest.fixture
def idp(process: ProviderProcess) -> ProviderProcess:
    process.tell(**AUDITOR)
    return process


@pytest.fixture
def desk(bus: Bus, idp: ProviderProcess) -> Console:
    """A console whose staff signs in at the provider."""
    given = {"oidc_issuer": idp.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": "rahasia"}
    settings = bus.rooms.settings.model_validate(bus.rooms.settings.model_dump() | given)
    provider = make_provider(settings, Challenges(bus.rooms.storage, bus.rooms.keys))
    return Console(bus, provider)


async def come_back(browser: Browser, idp: ProviderProcess, start: str = START) -> httpx.Response:
    """The console's answer to a browser that signed in at the provider."""
    led = await browser.look(start)
    assert led.status_code == 303, led.text
    return await browser.look(idp.sign_in(led.headers["location"]))


async def test_who_comes_back_has_the_role_of_the_claim_and_goes_on(desk: Console, idp: ProviderProcess):
    browser = desk.nobody()
    assert START in (await browser.look("/konsol/masuk?tujuan=/konsol/tindakan")).text
    answer = await come_back(browser, idp, f"{START}?tujuan=/konsol/tindakan")
    assert (answer.status_code, answer.headers["location"]) == (303, "/konsol/tindakan")
    assert (await browser.look("/konsol/tindakan")).status_code == 200
    (account,) = desk.bus.rooms.staff.accounts.list_page(10)
    assert (account.name, account.role, account.is_provided) == ("rini", Role.AUDITOR, True)


async def test_the_bus_asks_with_pkce_state_and_nonce(desk: Console):
    asked = parse_qs(urlsplit((await desk.nobody().look(START)).headers["location"]).query)
    assert asked["redirect_uri"] == [f"{ADDRESS}/konsol/masuk/penyedia/kembali"]
    assert (asked["code_challenge_method"], asked["response_type"], asked["client_id"]) == (
        ["S256"],
        ["code"],
        [CLIENT],
    )
    others = parse_qs(urlsplit((await desk.nobody().look(START)).headers["location"]).query)
    for name in ("state", "nonce", "code_challenge"):
        assert asked[name] != others[name]


async def test_the_same_person_comes_to_the_same_account_whatever_its_name(desk: Console, idp: ProviderProcess):
    await come_back(desk.nobody(), idp)
    idp.tell(**AUDITOR | {"preferred_username": "rini-baru"})
    await come_back(desk.nobody(), idp)
    assert [one.name for one in desk.bus.rooms.staff.accounts.list_page(10)] == ["rini"]


async def test_a_name_that_somebody_has_gives_no_way_into_that_account(desk: Console, idp: ProviderProcess):
    desk.bus.rooms.staff.accounts.add("rini", Role.OPERATOR, None, OPERATOR)
    for subject, name in (("s-1", "rini"), ("s-2", "Rini!"), ("s-3", "baris-perintah")):
        idp.tell(sub=subject, preferred_username=name, peran="auditor")
        assert (await come_back(desk.nobody(), idp)).status_code == 303
    found = {one.name: one.role for one in desk.bus.rooms.staff.accounts.list_page(10)}
    assert found.pop("rini") is Role.OPERATOR
    assert len(found) == 3
    assert all(name.startswith("pegawai-") for name in found)


async def test_a_changed_claim_changes_the_role_and_ends_earlier_sessions(desk: Console, idp: ProviderProcess):
    desk.ensure("bapenda")
    earlier = desk.nobody()
    await come_back(earlier, idp)
    idp.tell(**AUDITOR | {"peran": ["lain", "pemilik-aplikasi"], "participant": "bapenda"})
    await come_back(desk.nobody(), idp)
    (account,) = desk.bus.rooms.staff.accounts.list_page(10)
    assert (account.role, account.participant) == (Role.APP_OWNER, "bapenda")
    assert (await earlier.look("/konsol")).status_code == 303
    (told,) = [one for one in actions(desk.bus.rooms.storage) if one.what is Verb.STAFF_CHANGE]
    assert (told.before, told.after) == (
        {"role": "auditor", "participant": None},
        {"role": "pemilik-aplikasi", "participant": "bapenda"},
    )


@pytest.mark.parametrize(
    "claims",
    [
        {"peran": "kepala"},
        {"peran": ""},
        {"peran": None},
        {"peran": {"operator": True}},
        {"peran": ["operator", "auditor"]},
        {"peran": "pemilik-aplikasi"},
        {"peran": "pemilik-kontrak", "participant": "tidak-ada"},
    ],
)
async def test_no_known_role_is_refused_with_what_to_do(desk: Console, idp: ProviderProcess, claims: dict[str, object]):
    idp.tell(**AUDITOR | claims)
    browser = desk.nobody()
    answer = await come_back(browser, idp)
    assert (answer.status_code, "pengelola akun pegawai" in answer.text) == (403, True)
    assert SESSION not in browser.http.cookies
    assert desk.bus.rooms.staff.accounts.list_page(10) == []


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"nonce": "another"},
        {"exp": 1},
        {"sub": ""},
    ],
)
async def test_a_token_for_others_is_refused(desk: Console, idp: ProviderProcess, claims: dict[str, object]):
    idp.tell(**AUDITOR | claims)
    assert (await come_back(desk.nobody(), idp)).status_code == 403
    assert desk.bus.rooms.staff.accounts.list_page(10) == []


async def test_an_answer_counts_once_and_in_its_browser_alone(desk: Console, idp: ProviderProcess):
    mine, theirs = desk.nobody(), desk.nobody()
    await theirs.look("/konsol/masuk")
    back = idp.sign_in((await mine.look(START)).headers["location"])
    assert (await theirs.look(back)).status_code == 403
    assert (await mine.look(back)).status_code == 303
    mine.http.cookies.delete(SESSION)
    assert (await mine.look(back)).status_code == 403


async def test_a_refusal_of_the_provider_and_another_issuer_are_refused(desk: Console, idp: ProviderProcess):
    browser = desk.nobody()
    back = idp.sign_in((await browser.look(START)).headers["location"])
    for more in ({"iss": "https://evil.example"}, {"error": "access_denied", "error_description": "no"}):
        assert (await browser.look(f"{back}&{urlencode(more)}")).status_code == 403
    assert (await browser.look(f"{back}&session_state=x&iss={idp.issuer}")).status_code == 303


async def test_a_disabled_account_stays_shut_out(desk: Console, idp: ProviderProcess):
    await come_back(desk.nobody(), idp)
    desk.bus.rooms.staff.accounts.disable("rini", OPERATOR)
    assert (await come_back(desk.nobody(), idp)).status_code == 403


async def test_a_member_proves_again_at_the_provider_by_a_new_sign_in(desk: Console, idp: ProviderProcess):
    browser = desk.nobody()
    await come_back(browser, idp)
    with desk.bus.rooms.storage.write() as transaction:
        old = clock.micros(clock.now() - timedelta(minutes=11))
        transaction.execute(sa.update(STAFF_SESSIONS).values(proved_at=old))
    assert (await browser.look("/konsol/kunci")).status_code == 303
    start = f"{PROVE}?tujuan=/konsol/kunci"
    assert PROVE in (await browser.look("/konsol/buktikan?tujuan=/konsol/kunci")).text
    asked = parse_qs(urlsplit((await browser.look(start)).headers["location"]).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    for auth_time in (None, int(time.time()) - 600):
        idp.tell(**AUDITOR | {"auth_time": auth_time})
        assert (await come_back(browser, idp, start)).status_code == 403
    idp.tell(**AUDITOR | {"auth_time": int(time.time())})
    assert (await come_back(browser, idp, start)).headers["location"] == "/konsol/kunci"
    assert (await browser.look("/konsol/kunci")).status_code == 200


async def test_another_person_at_the_provider_proves_nothing(desk: Console, idp: ProviderProcess):
    browser = desk.nobody()
    await come_back(browser, idp)
    idp.tell(**AUDITOR | {"sub": "s-2", "preferred_username": "andi", "auth_time": int(time.time())})
    assert (await come_back(browser, idp, PROVE)).status_code == 403


async def test_a_provider_that_does_not_answer_is_told(bus: Bus):
    known = ProviderSettings("http://127.0.0.1:1", CLIENT, "", "peran", "participant")
    provider = Provider(known, Challenges(bus.rooms.storage, bus.rooms.keys), httpx.AsyncClient)
    answer = await Console(bus, provider).nobody().look(START)
    assert (answer.status_code, "tidak menjawab" in answer.text) == (503, True)


async def test_a_token_signed_with_a_shared_secret_is_refused(bus: Bus):
    """`alg: HS256` with the provider's public key as its secret is an old way into many clients."""
    key = OctKey.import_key("rahasia yang cukup panjang untuk HS256", {"kid": "a"})
    issuer = "https://idp.example"

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/.well-known/openid-configuration":
            ends = {one: f"{issuer}/{one}" for one in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            return httpx.Response(200, json={"issuer": issuer} | ends)
        if request.url.path == "/jwks_uri":
            return httpx.Response(200, json={"keys": [key.as_dict(private=True)]})
        claims = AUDITOR | {"iss": issuer, "aud": CLIENT, "exp": 2**40, "iat": 1, "nonce": nonce}
        return httpx.Response(200, json={"id_token": jwt.encode({"alg": "HS256", "kid": "a"}, claims, key)})

    known = ProviderSettings(issuer, CLIENT, "", "peran", "participant")
    challenges = Challenges(bus.rooms.storage, bus.rooms.keys)
    opened = lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer))  # noqa: E731
    console = Console(bus, Provider(known, challenges, opened))
    browser = console.nobody()
    asked = parse_qs(urlsplit((await browser.look(START)).headers["location"]).query)
    nonce = asked["nonce"][0]
    back = await browser.look(f"{START}/kembali?code=x&{urlencode({'state': asked['state'][0]})}")
    assert back.status_code == 403


async def test_without_a_provider_there_is_none_to_go_to(console: Console):
    browser = console.nobody()
    assert (await browser.look(START)).status_code == 404
    assert START not in (await browser.look("/konsol/masuk")).text
