"""The menu: the pages that each role finds there."""

from collections.abc import Sequence
from dataclasses import dataclass

from bus.console.roles import AUDITING, EVERYBODY, OPERATING, SUBSCRIBING
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
        (OPERATING, "/konsol/pegawai", say("Pegawai")),
        (AUDITING, "/konsol/tindakan", say("Catatan tindakan")),
    )
    return [Entry(path, label) for roles, path, label in every if role in roles]
