"""Pages of refusals that come before any page of the console: no such path, too many requests, a fault of the bus.

Nothing here asks a room: the fault may be of a room.
"""

import re
from typing import Final

from starlette.datastructures import Headers

from bus.console.render import render_bare
from bus.console.words import ENGLISH, INDONESIAN, Words, find_words

_ENGLISH_CHOSEN: Final = re.compile(r"konsol-bahasa[^=;]*=en(;|$)")


def write_fault(status: int, asked: Headers) -> tuple[bytes, dict[str, str]]:
    """The page for a status, in the language of the browser's cookie, and the page's header fields."""
    words = find_words(ENGLISH if _ENGLISH_CHOSEN.search(asked.get("cookie", "")) else INDONESIAN)
    title, advice = _explain(status, words)
    page = render_bare("galat.html", words, status=status, fault_title=title, advice=advice)
    return bytes(page.body), {name: value for name, value in page.headers.items() if name != "content-length"}


def _explain(status: int, words: Words) -> tuple[str, str]:
    say = words.say
    again = say("Muat ulang halaman asal, lalu coba sekali lagi.")
    known = {
        403: (say("Anda tidak boleh membuka ini"), say("Tanyakan kepada operator bus data siapa yang boleh.")),
        404: (say("Halaman ini tidak ada"), say("Periksa alamatnya, atau mulailah dari Beranda.")),
        405: (
            say("Halaman ini tidak dapat dibuka dengan cara itu"),
            say("Mulailah dari Beranda, dan pakai tombol di halaman."),
        ),
        408: (say("Permintaan terlalu lama tiba"), say("Periksa sambungan internet Anda, lalu coba sekali lagi.")),
        413: (say("Isian terlalu besar"), say("Kurangi isinya, lalu kirim sekali lagi.")),
        429: (
            say("Terlalu banyak permintaan dari alamat Anda"),
            say("Tunggu sebentar, lalu muat ulang halaman ini. Jika sering terjadi, hubungi operator bus data."),
        ),
        500: (
            say("Bus gagal karena hal yang tidak terduga"),
            say("Coba sekali lagi. Jika tetap gagal, beri tahu operator bus data pukul berapa ini terjadi."),
        ),
        503: (
            say("Bus sedang sibuk atau berhenti sebentar"),
            say("Tunggu beberapa detik, lalu muat ulang halaman ini."),
        ),
    }
    return known.get(status, (say("Permintaan tidak terbaca"), again))
