"""The daily work of each role in Chromium, on a bus with traffic: by mouse, by keyboard, without script, on a phone."""

import re
import time

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from bus.staff import Role
from tests.journeys.console.a_browser import PHONE, a_window
from tests.journeys.console.a_keyboard import Keyboard
from tests.journeys.console.a_site import DEAD, DRAFTED, OWNER, PAUSED, RESIDENTS, SUBJECT, Site
from tests.services.receiver import Receiver, takes
from tests.services.waiting import until
from tests.staff.a_member import PASSWORD, next_code

pytestmark = pytest.mark.timeout(120)


def test_an_operator_signs_in_and_mends_a_receiver_by_mouse(chromium: Browser, site: Site, receiver: Receiver):
    with a_window(chromium, site, None) as window:
        page = window.go(site.add_member(Role.OPERATOR, name="siti"))
        secret = set_up(page)
        page.get_by_role("button", name="Keluar").click()
        sign_in(page, "siti", secret)
        needs = page.get_by_role("listitem").filter(has_text=DEAD)
        expect(needs.filter(has_text="gagal dan tidak dicoba lagi")).to_be_visible()
        needs.get_by_role("link", name="Lihat dan kirim ulang").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(DEAD)
        expect(page.get_by_text("penerima menolak data ini (HTTP 422)")).to_be_visible()
        page.get_by_text("1 kegagalan, terakhir: 422").first.click()
        # The office has mended its app.
        mend(site, receiver, DEAD)
        page.get_by_role("button", name="Kirim ulang yang gagal").click()
        expect(page.get_by_role("status")).to_contain_text("dijadwalkan ulang")
        until(lambda: {one["state"] for one in site.read_deliveries(DEAD)} == {"delivered"})
        page.reload()
        expect(page.get_by_text("Berjalan")).to_be_visible()
        page.get_by_text("Kirim lagi peristiwa lama").click()
        page.get_by_label("Sejak hari").fill(time.strftime("%Y-%m-%d", time.gmtime(0)))
        page.get_by_role("button", name="Lihat berapa banyak").click()
        expect(page.get_by_role("status")).to_contain_text(
            re.compile(r"\d+ peristiwa, \d+ kunci, dengan izin hari ini")
        )


def test_an_app_owner_gets_a_subscription_and_asks_for_data_by_keyboard(
    chromium: Browser, site: Site, receiver: Receiver
):
    sink = receiver.sink("papan-ketik")
    with a_window(chromium, site, Role.APP_OWNER, "dinsos") as window:
        keyboard = Keyboard(window.go("/konsol"))
        page = keyboard.page
        keyboard.follow("Langganan")
        keyboard.follow("Buat langganan")
        keyboard.tick("Penduduk Kabupaten Lamongan")
        keyboard.write("Alamat webhook", sink.url)
        keyboard.follow("Buat langganan")
        shown = page.locator("code", has_text="whsec_").inner_text()
        sink.secrets.append(shown)
        keyboard.follow("Kirim peristiwa uji")
        expect(page.get_by_role("status")).to_contain_text("Peristiwa uji diterima")
        keyboard.follow("Minta akses")
        keyboard.write("Nama atau judul", "izin usaha")
        keyboard.follow("Cari")
        keyboard.follow("Minta akses ke perizinan.izin")
        keyboard.write("Tujuan penggunaan", "memadankan usaha penerima bantuan")
        keyboard.write("Dasar hukum", "Perda 3/2023")
        keyboard.write("Nomor PKS", "PKS 21/2026")
        keyboard.write("Berlaku sampai", "12312030")
        keyboard.tick("Keadaan izin.")
        keyboard.follow("Kirim permintaan")
        expect(page.get_by_text("Menunggu dpmptsp")).to_be_visible()


def test_a_contract_owner_decides_without_script(chromium: Browser, site: Site):
    with a_window(chromium, site, Role.CONTRACT_OWNER, OWNER, script=False) as window:
        page = window.go("/konsol")
        page.get_by_role("link", name="Usulan").first.click()
        expect(page.get_by_text("memeriksa alamat pelanggar perda")).to_be_visible()
        page.get_by_role("region", name="Menunggu Anda").get_by_role("link", name=RESIDENTS).click()
        expect(page.get_by_role("row").filter(has_text="/tempat_lahir")).to_contain_text("bapenda")
        page.get_by_label("Saya sudah melihat apa yang akan dibuka, dan kepada siapa").check()
        page.get_by_role("button", name="Setujui versi ini").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(DRAFTED)
        expect(page.get_by_text("Aktif").first).to_be_visible()
        page.get_by_role("link", name="Usulan").first.click()
        page.get_by_role("button", name=f"Terima ke dalam rancangan: permintaan {PAUSED}").click()
        expect(page.get_by_text("Izin yang diminta kini ada dalam rancangan ini.")).to_be_visible()


def test_an_auditor_finds_who_got_a_persons_data_on_a_phone(chromium: Browser, site: Site):
    with a_window(chromium, site, Role.AUDITOR, width=PHONE) as window:
        page = window.go("/konsol")
        page.get_by_role("link", name="Pengungkapan data").first.click()
        page.get_by_label("Penerima").fill("dinkes")
        page.get_by_role("button", name="Cari").click()
        expect(page.get_by_role("row").filter(has_text="PKS 470/08/2026").first).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("link", name="Unduh semua sebagai CSV").click()
        assert "dinkes" in download.value.path().read_text()
        page.get_by_role("link", name="Data seseorang").click()
        page.get_by_label("NIK atau nomor pengenal lain").fill(SUBJECT)
        page.get_by_label("Alasan").fill("surat tugas 7/2026")
        page.get_by_role("button", name="Cari").click()
        expect(page.get_by_text("Pencarian ini tercatat dengan alasan: surat tugas 7/2026")).to_be_visible()
        expect(page.get_by_role("row").filter(has_text="dinsos").first).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0


def test_the_service_desk_answers_a_data_subject(chromium: Browser, site: Site):
    with a_window(chromium, site, Role.SERVICE_DESK) as window:
        page = window.go("/konsol")
        page.get_by_role("link", name="Permintaan subjek data").first.click()
        page.get_by_label("NIK pemohon").fill(SUBJECT)
        page.get_by_label("Bagaimana permintaan disampaikan").fill("datang ke loket nomor 3")
        page.get_by_role("button", name="Catat dan tampilkan jawaban").click()
        expect(page.get_by_role("heading", name="Siapa menerima data Anda")).to_be_visible()
        expect(page.get_by_role("heading", name="Dinas Kesehatan")).to_be_visible()
        expect(page.get_by_text("datang ke loket nomor 3").first).to_be_visible()
        assert SUBJECT not in page.url
        page.get_by_role("link", name="Permintaan nomor").first.click()
        page.get_by_label("Catatan penutup").fill("dicetak dan diterima pemohon")
        page.get_by_role("button", name="Tutup permintaan").click()
        page.goto(f"{site.address}/konsol/permintaan?semua=ya")
        expect(page.get_by_role("row").filter(has_text="datang ke loket nomor 3")).to_contain_text("Ditutup")


def set_up(page: Page) -> str:
    """Set a password and an authenticator by a link. Returns the authenticator's secret."""
    page.get_by_text("Tidak dapat memindai?").click()
    secret = page.locator("details code").inner_text()
    page.get_by_label("Kode yang tampil di aplikasi").fill(pyotp.TOTP(secret).now())
    page.get_by_label("Kata sandi baru").fill(PASSWORD)
    page.get_by_label("Ketik sekali lagi").fill(PASSWORD)
    page.get_by_role("button", name="Simpan dan masuk").click()
    expect(page.get_by_role("heading", name="Beranda")).to_be_visible()
    return secret


def sign_in(page: Page, name: str, secret: str) -> None:
    """Sign in with the password and the authenticator's next code."""
    page.get_by_label("Nama akun").fill(name)
    page.get_by_label("Kata sandi").fill(PASSWORD)
    page.get_by_label("Kode autentikator").fill(next_code(secret))
    page.get_by_role("button", name="Masuk", exact=True).click()
    expect(page.get_by_role("heading", name="Beranda")).to_be_visible()


def mend(site: Site, receiver: Receiver, office: str) -> None:
    """Have an office's receiver take everything from now on."""
    receiver.sinks[site.sinks[office]].answer = takes
