"""The menu: the pages that each role finds there."""

from collections.abc import Sequence
from dataclasses import dataclass

from bus.console.roles import AUDITING, EVERYBODY, OPERATING, OWNING, SERVING, STEWARDING, SUBSCRIBING
from bus.console.words import Words
from bus.staff import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the menu."""

    path: str
    label: str


def find_entries(role: Role, words: Words) -> Sequence[Entry]:
    """The entries that a role sees."""
    say = words.say
    every = (
        (EVERYBODY, "/konsol", say("Beranda")),
        (SUBSCRIBING, "/konsol/penerima", say("Penerima")),
        (OPERATING, "/konsol/instansi", say("Instansi")),
        (SUBSCRIBING, "/konsol/peserta", say("Peserta")),
        (STEWARDING, "/konsol/kontrak", say("Kontrak")),
        (STEWARDING, "/konsol/usulan", say("Usulan")),
        (STEWARDING, "/konsol/izin", say("Izin")),
        (OPERATING, "/konsol/pegawai", say("Pegawai")),
        (AUDITING, "/konsol/tindakan", say("Catatan tindakan")),
        (OWNING, "/konsol/mulai", say("Mulai cepat")),
        (OWNING, "/konsol/klien", say("Klien")),
        (OWNING, "/konsol/langganan", say("Langganan")),
        (OWNING, "/konsol/pengiriman", say("Pengiriman")),
        (OWNING, "/konsol/penolakan", say("Penolakan")),
        (OWNING, "/konsol/hak-akses", say("Hak akses")),
        (OWNING, "/konsol/minta-akses", say("Minta akses")),
        (OWNING, "/konsol/coba-data", say("Coba data")),
        (AUDITING, "/konsol/pengungkapan", say("Pengungkapan data")),
        (SERVING, "/konsol/permintaan", say("Permintaan subjek data")),
    )
    return [Entry(path, label) for roles, path, label in every if role in roles]
