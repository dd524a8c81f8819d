"""Routes of pages: each checks the token of a form before anything else, and shows a refusal as a page."""

from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from bus.console.form import check_token, read_form
from bus.console.proof import ProofTooOld, write_proof_address
from bus.console.render import show, words_of
from bus.console.visit import NotSignedIn, asks_itself, bound_of, find_session
from bus.console.words import Words
from bus.limits import Limited
from bus.problem import Refused

SIGN_IN: Final = "/konsol/masuk"
_FIRST_SIGNS: Final = "/konsol"


class Page(APIRoute):
    """A route of the console."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of a request."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                _check_address(request)
                if request.method == "POST":
                    request.state.form = await read_form(request)
                    check_token(request.state.form, bound_of(request))
                return await answer(request)
            except NotSignedIn:
                return _lead_to_sign_in(request)
            except ProofTooOld as refusal:
                return _lead(request, write_proof_address(refusal.wanted))
            except RequestValidationError:
                return await show_refusal(request, Refused("Part of the address is not as the console writes it."))
            except Refused as refusal:
                return await show_refusal(request, refusal)

        return handle


def _check_address(request: Request) -> None:
    """Refuse an address with a NUL, which PostgreSQL takes in no text."""
    texts = [request.url.path, *request.query_params.values()]
    if any("\0" in text for text in texts):
        raise Refused("Part of the address is not as the console writes it.")


def page_router() -> APIRouter:
    """A router whose routes are pages."""
    return APIRouter(route_class=Page, include_in_schema=False, default_response_class=HTMLResponse)


def go_to(path: str) -> RedirectResponse:
    """Have the browser go to a page of the console, with GET."""
    return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})


def is_inside(path: str) -> bool:
    """Whether a path is one of the console, and not an address elsewhere."""
    return (path == _FIRST_SIGNS or path.startswith(f"{_FIRST_SIGNS}/")) and "\\" not in path and path.isprintable()


def _lead_to_sign_in(request: Request) -> Response:
    return _lead(request, f"{SIGN_IN}?tujuan={quote(request.url.path)}")


def _lead(request: Request, address: str) -> Response:
    """Have the browser go to a page that stands before the wanted page."""
    if asks_itself(request) or request.headers.get("hx-request") == "true":
        # htmx would put that page in the place of the part. With this field it leads the whole page there.
        return Response(status_code=204, headers={"HX-Redirect": address, "Cache-Control": "no-store"})
    return go_to(address)


async def show_refusal(request: Request, refusal: Refused) -> Response:
    """A refusal as a page: what happened, and what to do."""
    # The page has the menu of who is signed in.
    await find_session(request)
    response = show(
        request,
        "ditolak.html",
        refusal.status,
        explanation=explain(refusal, words_of(request)),
        refusal=refusal,
    )
    response.headers.update({name: value for name, value in refusal.headers.items() if name == "Retry-After"})
    return response


def explain(refusal: Refused, words: Words) -> str:
    """What happened and what to do, in people's words; empty for a refusal that only its own words explain."""
    say = words.say
    if isinstance(refusal, Limited):
        return say("Terlalu banyak percobaan. Tunggu beberapa menit, lalu coba lagi.")
    known = {
        "role-missing": say(
            "Peran Anda tidak mencakup halaman ini. Tanyakan kepada operator siapa yang boleh membukanya."
        ),
        "form-not-yours": say("Formulir ini bukan dari sesi Anda. Muat ulang halaman, lalu kirim sekali lagi."),
        "form-unreadable": say("Formulir tidak terbaca. Muat ulang halaman, lalu kirim sekali lagi."),
        "live-crowded": say("Terlalu banyak halaman langsung yang terbuka. Muat ulang halaman untuk angka terbaru."),
        "link-unusable": say("Tautan ini sudah dipakai atau sudah berakhir. Mintalah tautan baru kepada operator."),
        "page-unknown": say("Halaman ini tidak ada. Mulailah dari Beranda."),
        "subscription-unknown": say("Langganan ini tidak ada, atau bukan milik Anda."),
        "participant-unknown": say("Peserta ini tidak ada, atau bukan milik Anda."),
        "session-unknown": say("Sesi ini tidak ada; mungkin sudah berakhir."),
        "client-unknown": say("Klien ini tidak ada, atau bukan milik Anda."),
        "client-revoked": say("Klien ini sudah dicabut. Buat klien baru."),
        "client-has-keys": say("Klien ini masuk dengan kuncinya sendiri, jadi tidak punya rahasia."),
        "scope-not-yours": say("Hak ini, dan rahasia klien yang memilikinya, hanya diberikan operator."),
        "not-confirmed": say("Centang dahulu kotak persetujuan di dekat tombol, lalu tekan lagi."),
        "no-such-contract": say("Kontrak ini tidak ada, atau tidak ada versinya yang berlaku."),
        "not-granted": say("Kontrak ini tidak mengizinkan Anda menerima datanya. Mintalah akses kepada pemiliknya."),
        "grant-expired": say("Izin Anda dalam kontrak ini sudah berakhir. Mintalah perpanjangan kepada pemiliknya."),
        "grant-suspended": say("Izin Anda dalam kontrak ini sedang ditangguhkan. Tanyakan kepada pemiliknya."),
        "access-asked-already": say(
            "Permintaan Anda untuk kontrak ini masih menunggu. Tarik dahulu bila ingin mengubahnya."
        ),
        "access-decided": say("Permintaan ini sudah diputuskan atau ditarik."),
        "no-such-access-request": say("Permintaan akses ini tidak ada, atau bukan milik Anda."),
        "too-many-secrets": say("Terlalu banyak rahasia masih menandatangani. Tunggu sampai salah satunya berakhir."),
        "delivery-unknown": say("Pengiriman ini tidak ada, atau bukan milik Anda."),
        "access-request-invalid": say("Tulis alasan dalam satu baris, paling banyak 500 karakter."),
        "no-such-grant": say("Izin ini tidak ada di versi yang berlaku."),
        "grant-not-suspended": say("Izin ini tidak sedang ditangguhkan."),
        "not-owner": say("Hanya pemilik kontrak atau operator yang boleh melakukan ini."),
        "domain-not-yours": say("Hanya pemilik domain atau operator yang mengusulkan dan menyetujui versi."),
        "not-operator": say("Hanya operator yang boleh melakukan ini."),
        "suspension-reason-invalid": say("Tulis alasan dalam satu baris, paling banyak 500 karakter."),
        "contract-version-changed": say(
            "Orang lain mengubah versi ini sejak Anda membukanya. Baca yang sekarang, lalu ulangi."
        ),
        "contract-changed-meanwhile": say("Kontrak ini baru saja berubah. Muat ulang halaman, lalu ulangi."),
        "contract-version-taken": say("Versi ini sudah terdaftar. Naikkan nomor versinya."),
        "contract-transition": say("Keadaan versi ini sudah berubah, jadi langkah itu tidak mungkin lagi."),
        "contract-not-ready": say("Dokumen masih mengandung kesalahan. Perbaiki dahulu."),
        "contract-incompatible": say("Versi ini merusak janji versi yang masih aktif."),
        "contract-version-step": say("Nomor versi naik terlalu sedikit untuk perubahan ini."),
        "contract-compatibility-undecided": say(
            "Bus tidak dapat memastikan apakah versi ini merusak versi aktif. Hanya operator yang dapat menerimanya."
        ),
        "contract-grants-unseen": say(
            "Versi ini membuka lebih banyak data pribadi. Baca apa yang dibuka, lalu centang bahwa Anda sudah melihatnya."
        ),
        "document-too-long": say(
            "Dokumen ini terlalu panjang untuk editor. Ubahlah dengan bus contract apply atau lewat HTTP API."
        ),
        "day-invalid": say("Tulis hari sebagai tahun, bulan, tanggal: 2026-12-31."),
        "retirement-unconfirmed": say("Centang dahulu bahwa versi ini tidak dipakai lagi."),
        "contract-sunset-past": say("Tanggal akhir tidak boleh sudah lewat."),
        "adapter-word-missing": say("Pemilik adaptor instansi belum menyetujui pemakaiannya."),
        "four-eyes": say(
            "Data pribadi memerlukan orang kedua: yang menulis atau mengusulkan versi ini tidak boleh menyetujuinya."
        ),
        "event-unknown": say("Peristiwa ini tidak ada, sudah dihapus, atau bukan milik Anda."),
        "inquiry-unknown": say("Permintaan ini tidak ada. Lihat daftarnya di halaman Permintaan subjek data."),
        "inquiry-closed": say("Permintaan ini sudah ditutup. Catat permintaan baru jika orang itu bertanya lagi."),
        "filter-wrong": say("Pencarian untuk berkas ini tidak terbaca. Kembalilah, dan perbaiki kolom yang ditandai."),
        "too-much-at-once": say("Terlalu banyak berkas dibuat sekaligus. Tunggu sebentar, lalu coba lagi."),
        "payload-too-large": say("Isian terlalu besar. Kurangi isinya, lalu kirim sekali lagi."),
        "refused": say("Alamat halaman ini salah atau tidak lengkap. Mulailah dari Beranda."),
        "passkey-refused": say(
            "Kunci sandi tidak diterima. Muat ulang halaman, lalu coba sekali lagi dengan perangkat yang menyimpannya."
        ),
        "passkey-unknown": say("Kunci sandi ini tidak ada; mungkin sudah dihapus."),
        "passkeys-unavailable": say(
            "Kunci sandi hanya dapat dipakai jika konsol dibuka dengan nama host bus, melalui TLS. "
            "Di mesin bus sendiri, buka dengan nama localhost."
        ),
        "sign-in-refused": say(
            "Anda tidak dapat masuk dengan cara ini. Mulailah lagi dari halaman Masuk; jika tetap gagal, hubungi "
            "operator bus data."
        ),
        "claim-refused": say(
            "Akun pegawai Anda belum punya peran di bus data ini. Mintalah pengelola akun pegawai mengisi peran Anda "
            "dengan salah satu dari: operator, pemilik-aplikasi, pemilik-kontrak, auditor, layanan; dan untuk kedua "
            "pemilik juga nama peserta yang dikenal bus."
        ),
        "provider-unavailable": say(
            "Layanan akun pegawai tidak menjawab. Tunggu sebentar lalu coba lagi, atau masuk dengan cara lain."
        ),
        "provider-missing": say("Bus ini tidak terhubung ke layanan akun pegawai. Masuklah dengan cara lain."),
        "last-proof": say("Ini satu-satunya bukti akun Anda. Tambahkan kunci sandi lain dahulu."),
        "participant-name": say(
            "Nama peserta memakai 2 sampai 63 huruf kecil, angka dan tanda hubung, dan diawali huruf."
        ),
        "participant-title": say("Nama lengkap peserta belum diisi, atau terlalu panjang."),
        "participant-exists": say("Sudah ada peserta dengan nama ini. Pilih nama lain."),
        "scope-unknown": say("Pilih paling sedikit satu hak untuk klien ini."),
        "client-unchanged": say("Pilih paling sedikit satu hak untuk klien ini."),
        "replay-under-way": say("Pengiriman lagi masih berjalan untuk penerima ini. Tunggu sampai selesai."),
        "staff-unknown": say("Akun ini tidak ada, atau sudah ditutup."),
        "staff-disabled": say("Akun ini tidak ada, atau sudah ditutup."),
        "staff-provided": say("Akun ini dibuktikan oleh layanan akun pegawai. Pegawai masuk di sana, tanpa tautan."),
        "nothing-held": say("Tidak ada penghapusan yang ditahan di instansi ini."),
    }
    return known.get(refusal.slug, "")
