"""`make screenshots`: makes the pictures in docs/konsol anew, of a bus with traffic."""

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta, timezone
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, Page

from bus import clock
from bus.staff import Role
from tests.journeys.console.a_browser import PHONE, a_chromium, a_window
from tests.journeys.console.a_site import DEAD, DRAFTED, FAILS, OWNER, RESIDENTS, SUBJECT, WORKS, Site, a_busy_site
from tests.services.receiver import a_receiver

FOLDER: Final = Path(__file__).parents[3] / "docs/konsol"
_WIB: Final = timezone(timedelta(hours=7))
_WIDTH: Final = 1000
_HIGHEST: Final = 900
_COLOURS: Final = 48
"""So few that a picture stays small."""
_READER: Final = "dinsos"
_NAMES: Final = {
    Role.OPERATOR: "siti",
    Role.APP_OWNER: "andi",
    Role.CONTRACT_OWNER: "ratna",
    Role.AUDITOR: "wayan",
    Role.SERVICE_DESK: "rini",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    Attributes:
        path: the page; names in braces are filled in.
        part: the part of the page that is shown, as CSS selects it; empty: the page from its top.
        prepare: what is done at the page before the picture is taken.
    """

    name: str
    role: Role | None
    path: str
    participant: str | None = None
    width: int = _WIDTH
    part: str = ""
    prepare: Callable[[Page, Site], None] = lambda page, site: None


def main() -> None:
    """Make all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        a_receiver() as receiver,
        a_chromium() as browser,
        a_busy_site(Path(folder), receiver) as site,
    ):
        for picture in _PICTURES:
            taken = take(browser, site, picture)
            (FOLDER / f"{picture.name}.png").write_bytes(taken)
            print(f"{picture.name}: {len(taken) // 1024} kB")


def list_names() -> list[str]:
    """The names of all pictures."""
    return [one.name for one in _PICTURES]


def take(browser: Browser, site: Site, picture: Picture) -> bytes:
    """The picture as a PNG."""
    path = picture.path.format(failing=site.subscriptions[FAILS], dead=site.subscriptions[DEAD])
    with a_window(
        browser, site, picture.role, picture.participant, width=picture.width, name=_NAMES.get(picture.role, "")
    ) as window:
        page = window.go(path)
        picture.prepare(page, site)
        height = page.evaluate("document.documentElement.scrollHeight")
        clip = {"x": 0.0, "y": 0.0, "width": float(picture.width), "height": float(min(height, _HIGHEST))}
        whole = page.locator(picture.part).screenshot() if picture.part else page.screenshot(full_page=True, clip=clip)
    made = io.BytesIO()
    Image.open(io.BytesIO(whole)).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(
        made, "PNG", optimize=True
    )
    return made.getvalue()


def _show_attempts(page: Page, site: Site) -> None:
    page.locator("td summary").first.click()


def _look_for_a_receiver(page: Page, site: Site) -> None:
    page.get_by_label("Penerima").fill(WORKS)
    page.get_by_role("button", name="Cari").click()


def _look_at_a_breach(page: Page, site: Site) -> None:
    page.get_by_label("Nomor klien").fill(site.find_client(_READER))
    now = clock.now().astimezone(_WIB)
    for label, hours in (("Sejak (WIB)", -2), ("Sebelum (WIB)", 1), ("Pelanggaran diketahui", 0)):
        page.get_by_label(label).fill((now + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M"))
    page.get_by_role("button", name="Periksa klien ini").click()


def _answer(page: Page, site: Site) -> None:
    page.get_by_label("NIK pemohon").fill(SUBJECT)
    page.get_by_label("Bagaimana permintaan disampaikan").fill("surat nomor 12")
    page.get_by_role("button", name="Catat dan tampilkan jawaban").click()


_PICTURES: Final = (
    Picture("masuk", None, "/konsol/masuk"),
    Picture("beranda", Role.OPERATOR, "/konsol"),
    Picture("peta", Role.OPERATOR, "/konsol", part="section[aria-labelledby=arus]"),
    Picture("beranda-ponsel", Role.OPERATOR, "/konsol", width=PHONE),
    Picture("penerima", Role.OPERATOR, "/konsol/penerima/{dead}", prepare=_show_attempts),
    Picture("instansi", Role.OPERATOR, "/konsol/instansi"),
    Picture("mulai-cepat", Role.APP_OWNER, "/konsol/mulai", FAILS),
    Picture("langganan-baru", Role.APP_OWNER, "/konsol/langganan/baru", FAILS),
    Picture("minta-akses", Role.APP_OWNER, "/konsol/minta-akses/infrastruktur.ruas-jalan", FAILS),
    Picture("usulan", Role.CONTRACT_OWNER, "/konsol/usulan", OWNER),
    Picture("versi", Role.CONTRACT_OWNER, f"/konsol/kontrak/{RESIDENTS}/versi/{DRAFTED}", OWNER),
    Picture("kontrak", Role.CONTRACT_OWNER, f"/konsol/kontrak/{RESIDENTS}", OWNER),
    Picture("pengungkapan", Role.AUDITOR, "/konsol/pengungkapan", prepare=_look_for_a_receiver),
    Picture("pelanggaran", Role.AUDITOR, "/konsol/pelanggaran", prepare=_look_at_a_breach),
    Picture("permintaan", Role.SERVICE_DESK, "/konsol/permintaan"),
    Picture("jawaban", Role.SERVICE_DESK, "/konsol/permintaan", prepare=_answer),
)

if __name__ == "__main__":
    main()
