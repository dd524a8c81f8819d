"""Filters of the disclosure log: what an auditor types, and the search that it means."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query

from bus.console.moments import MomentUnreadable, read_moment
from bus.console.words import Words
from bus.contracts import Catalogue
from bus.disclosures import Channel, Wanted

_Name = Annotated[str, Query(max_length=255)]
_Moment = Annotated[str, Query(max_length=40)]


@dataclass(frozen=True, slots=True)
class DisclosureFilter:
    """The fields of the form, as they were typed. An empty field means any value."""

    peserta: _Name = ""
    klien: _Name = ""
    kontrak: _Name = ""
    tujuan: Annotated[str, Query(max_length=1024)] = ""
    cara: Annotated[str, Query(max_length=20)] = ""
    sejak: _Moment = ""
    sampai: _Moment = ""

    @property
    def address(self) -> str:
        """The filter as the query of an address."""
        return urlencode({name: value for name, value in asdict(self).items() if value})

    def find_errors(self, catalogue: Catalogue, words: Words) -> Mapping[str, str]:
        """What is wrong, by the name of the field; empty: the filter is a search."""
        say, found = words.say, {}
        if self.kontrak.strip() and catalogue.number_of(self.kontrak.strip()) is None:
            found["kontrak"] = say("Tidak ada kontrak dengan nama ini.")
        if self.cara and self.cara not in {one.value for one in Channel}:
            found["cara"] = say("Pilih salah satu dari daftar.")
        for name, text in (("sejak", self.sejak), ("sampai", self.sampai)):
            try:
                read_moment(text)
            except MomentUnreadable:
                found[name] = say("Tulislah tanggal dan jam, misalnya 2026-11-28T09:14 (WIB).")
        return found

    def make_wanted(self, catalogue: Catalogue) -> Wanted:
        """The search. Call it if there are no errors."""
        return Wanted(
            participant=self.peserta.strip() or None,
            client_id=self.klien.strip() or None,
            contract_id=catalogue.number_of(self.kontrak.strip()) if self.kontrak.strip() else None,
            purpose=self.tujuan.strip() or None,
            since=read_moment(self.sejak),
            until=read_moment(self.sampai),
            channel=Channel(self.cara) if self.cara else None,
        )

    def describe(self, words: Words) -> str:
        """The filter in one line, for the head of a file."""
        say = words.say
        named = (
            (say("penerima"), self.peserta),
            (say("klien"), self.klien),
            (say("kontrak"), self.kontrak),
            (say("tujuan"), self.tujuan),
            (say("cara"), self.cara),
            (say("sejak"), words.tell_moment(read_moment(self.sejak)) if self.sejak else ""),
            (say("sebelum"), words.tell_moment(read_moment(self.sampai)) if self.sampai else ""),
        )
        return ", ".join(f"{label} {value}" for label, value in named if value) or say("semua")
