"""Every page of the console, with a role that sees it and the address that shows something on it."""

from dataclasses import dataclass
from typing import Final

from fastapi.routing import APIRoute

from bus.console import PAGES
from bus.staff import Role

OPERATOR, APP, CONTRACT, AUDITOR, DESK = (
    Role.OPERATOR,
    Role.APP_OWNER,
    Role.CONTRACT_OWNER,
    Role.AUDITOR,
    Role.SERVICE_DESK,
)
_CONTRACT: Final = "/konsol/kontrak/{name}"
_VERSION: Final = f"{_CONTRACT}/versi/{{version}}"
SEEN_BY: Final[dict[str, Role | None]] = {
    "/konsol": OPERATOR,
    "/konsol/sesi": OPERATOR,
    "/konsol/buktikan": OPERATOR,
    "/konsol/kunci": OPERATOR,
    "/konsol/penerima": OPERATOR,
    "/konsol/penerima/{id}": OPERATOR,
    "/konsol/instansi": OPERATOR,
    "/konsol/peserta": OPERATOR,
    "/konsol/peserta/{name}": OPERATOR,
    "/konsol/peserta/{name}/batas": OPERATOR,
    "/konsol/pegawai": OPERATOR,
    "/konsol/peristiwa/{position}": OPERATOR,
    "/konsol/kontrak": CONTRACT,
    "/konsol/kontrak/baru": CONTRACT,
    _CONTRACT: CONTRACT,
    f"{_CONTRACT}/banding": CONTRACT,
    _VERSION: CONTRACT,
    f"{_VERSION}/sunting": CONTRACT,
    f"{_CONTRACT}/izin/{{participant}}": CONTRACT,
    "/konsol/usulan": CONTRACT,
    "/konsol/izin": CONTRACT,
    "/konsol/mulai": APP,
    "/konsol/klien": APP,
    "/konsol/klien/{client_id}": APP,
    "/konsol/langganan": APP,
    "/konsol/langganan/baru": APP,
    "/konsol/langganan/{id}": APP,
    "/konsol/pengiriman": APP,
    "/konsol/penolakan": APP,
    "/konsol/hak-akses": APP,
    "/konsol/minta-akses": APP,
    "/konsol/minta-akses/{name}": APP,
    "/konsol/coba-data": APP,
    "/konsol/tindakan": AUDITOR,
    "/konsol/pengungkapan": AUDITOR,
    "/konsol/orang": AUDITOR,
    "/konsol/pelanggaran": AUDITOR,
    "/konsol/permintaan": DESK,
    "/konsol/permintaan/{number}": DESK,
    "/konsol/komponen": None,
    "/konsol/masuk": None,
    "/konsol/tautan/{secret}": None,
    # Every path that no page has.
    "/konsol/{rest:path}": OPERATOR,
}
"""Page to a role that sees it; None: anybody."""
_NO_PAGES: Final = frozenset(
    {
        "/konsol/langsung",
        "/konsol/buktikan/penyedia",
        "/konsol/masuk/penyedia",
        "/konsol/masuk/penyedia/kembali",
        f"{_VERSION}/dokumen.yaml",
        f"{_VERSION}/asyncapi.yaml",
        "/konsol/tindakan/unduh/{form}",
        "/konsol/pengungkapan/unduh/{form}",
        "/konsol/bahasa/{language}",
        "/konsol/aset/{digest}/{name}",
    }
)
"""Paths that answer with a file, a stream or another address."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One page as one member sees it.

    Attributes:
        role: None: nobody is signed in.
        participant: the member's own.
    """

    template: str
    path: str
    role: Role | None
    participant: str | None


def list_templates() -> set[str]:
    """The paths of all pages that the console has."""
    routes = [route for router in PAGES.routers for route in router.routes if isinstance(route, APIRoute)]
    return {route.path for route in routes if "GET" in route.methods} - _NO_PAGES


@dataclass(frozen=True, slots=True)
class Places:
    """What stands in the addresses of one site's pages.

    Attributes:
        participant: has a subscription, a client, and a grant of the contract.
        owner: answers for the contract.
        version: of the contract; not in force yet.
        position: of an event of the contract.
        secret: of a link for a new member.
    """

    participant: str
    owner: str
    contract: str
    version: str
    subscription: str
    position: int
    client: str
    secret: str


def list_pages(places: Places) -> list[Shown]:
    """Every page, for a member of its role."""
    owners = {APP: places.participant, CONTRACT: places.owner}
    return [
        Shown(template, _fill(places, template), role, owners.get(role) if role else None)
        for template, role in SEEN_BY.items()
    ]


def list_plain_pages(participant: str, owner: str) -> list[Shown]:
    """The pages whose addresses need nothing that is at a site."""
    owners = {APP: participant, CONTRACT: owner}
    return [
        Shown(template, template, role, owners.get(role) if role else None)
        for template, role in SEEN_BY.items()
        if "{" not in template
    ]


def _fill(places: Places, template: str) -> str:
    is_contract = "kontrak" in template or "minta-akses" in template
    return template.replace("{rest:path}", "tidak-ada").format(
        id=places.subscription,
        position=places.position,
        name=places.contract if is_contract else places.participant,
        client_id=places.client,
        version=places.version,
        participant=places.participant,
        number=1,
        secret=places.secret,
    )
