"""Penyedia identitas: leads a member to the identity provider, and takes the member who comes back."""

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import Query, Request, Response

from bus.console.cookies import VISITOR, WANTED, is_local, read_cookie, set_cookie
from bus.console.entrance import HOME, enter, go_on
from bus.console.page import SIGN_IN, go_to, is_inside, page_router
from bus.console.proof import LONGEST, PROVE
from bus.console.roles import EVERYBODY
from bus.console.visit import Visit, address_of, bound_of, find_session, visiting
from bus.http import TheRooms
from bus.ids import new_secret
from bus.problem import NotFound
from bus.staff import Provider, SignInRefused

router = page_router()

_COMES_BACK: Final = f"{SIGN_IN}/penyedia/kembali"
_SECONDS: Final = 900
Wanted = Annotated[str, Query(max_length=LONGEST)]
Told = Annotated[str, Query(max_length=4_000)]


class ProviderMissing(NotFound):
    """This bus knows no identity provider; set BUS_OIDC_ISSUER and BUS_OIDC_CLIENT_ID."""

    slug = "provider-missing"


@router.get(f"{SIGN_IN}/penyedia")
async def go_to_provider(request: Request, rooms: TheRooms, tujuan: Wanted = HOME) -> Response:
    """Ask the provider who this is."""
    return await _lead(request, _get_provider(rooms), tujuan, again=False)


@router.get(f"{PROVE}/penyedia")
async def prove_at_provider(
    request: Request, visit: Annotated[Visit, visiting(*EVERYBODY)], tujuan: Wanted = HOME
) -> Response:
    """Have the provider ask the member to sign in anew."""
    return await _lead(request, _get_provider(visit.rooms), tujuan, again=True)


@router.get(_COMES_BACK)
async def come_back(
    request: Request,
    rooms: TheRooms,
    code: Told = "",
    state: Told = "",
    iss: Told = "",
    error: Told = "",
    error_description: Told = "",
    error_uri: Told = "",
    session_state: Told = "",
    scope: Told = "",
) -> Response:
    """Open a session for who came back, or note the new proof. The last five parameters are the provider's own affair."""
    provider, address = _get_provider(rooms), address_of(request)
    if error or not code or (iss and iss != provider.issuer):
        raise SignInRefused("The provider did not say who this is.")
    account = await rooms.staff.sign_in.prove_by_provider(
        code, state, bound_of(request), _write_callback(request), address
    )
    wanted, session = read_cookie(request, WANTED), await find_session(request)
    if session is None:
        return await enter(request, rooms, account, wanted)
    if session.account.name != account.name:
        raise SignInRefused("Another account is signed in here.")
    return await go_on(request, rooms, session, wanted)


async def _lead(request: Request, provider: Provider, wanted: str, *, again: bool) -> Response:
    known = bound_of(request)
    bound = known or new_secret()
    response = go_to(await provider.write_address(bound, _write_callback(request), again=again))
    if not known:
        set_cookie(request, response, VISITOR, bound)
    set_cookie(request, response, WANTED, wanted if is_inside(wanted) else HOME, _SECONDS)
    return response


def _write_callback(request: Request) -> str:
    """The address that the provider leads back to, which stands in its register of clients."""
    issuer: str = request.app.state.rooms.tokens.issuer
    if is_local(request):
        # Cookies of localhost do not come to 127.0.0.1.
        return f"{urlsplit(issuer).scheme}://{request.headers['host']}{_COMES_BACK}"
    return issuer + _COMES_BACK


def _get_provider(rooms: Any) -> Provider:
    provider: Provider | None = rooms.staff.sign_in.provider
    if provider is None:
        raise ProviderMissing("This bus knows no identity provider.")
    return provider
