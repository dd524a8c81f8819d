"""Names of properties that speak of an identifier of persons, in every usual spelling."""

import re
from itertools import product
from typing import Final

NIK: Final = "nik"
KK: Final = "nomor-kk"

_SPOKEN: Final = {"nik": NIK, "kk": KK, "npwp": NIK}
"""Words that mean an identifier. Since 2024 the NPWP of a resident is the NIK."""
_TAX: Final = "npwp"
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NUMBER: Final = ("nomor", "nomer", "no", "num", "number", "id")
_EXACT: Final = {
    "nik": NIK,
    **{f"{number}{what}": NIK for number in _NUMBER for what in ("nik", "ktp", "nikktp", "indukkependudukan")},
    "nikktp": NIK,
    "nikid": NIK,
    "niknumber": NIK,
    **{f"{number}{what}": KK for number in _NUMBER for what in ("kk", "kartukeluarga")},
}
_ROLES: Final = """
    pemohon pelapor pemilik penduduk warga ayah ibu anak bapak suami istri pasangan wali bayi orangtua kepala keluarga
    kepalakeluarga almarhum jenazah penerima pengguna wajibpajak pegawai karyawan pasien siswa petani saksi
    ahliwaris lama baru asal tujuan
""".split()  # noqa: SIM905 - thirty lines of literals would be no list to read
_CERTAIN: Final = {
    text: definition
    for (name, definition), role in product(_EXACT.items(), ["", *_ROLES])
    for text in (name + role, role + name)
}
"""Names of identifiers without separators and digits; the person's role may stand before or behind."""


def certain_name(name: str) -> str | None:
    """The only shared definition that a property's name can mean; None: it may mean something else."""
    return _CERTAIN.get("".join(letter for letter in name.casefold() if letter.isalpha()))


def spoken_name(name: str) -> str | None:
    """The shared definition that a word in a property's name means; None: no word means one."""
    return next((_SPOKEN[word] for word in _split_words(name) if word in _SPOKEN), None)


def names_tax_number(name: str) -> bool:
    """Whether a property's name means a tax number. An old one has 15 digits, a new one 16."""
    return _TAX in _split_words(name)


def _split_words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]
