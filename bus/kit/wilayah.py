"""The regions of Kabupaten Lamongan.

`wilayah_3524.csv` holds facts: Kemendagri's codes and names; `wilayah_3524.md` names their source.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wilayah:
    """A region: the regency, a kecamatan, or a desa or kelurahan.

    Attributes:
        kode: Kemendagri's code with dots, such as `35.24.01.2001`.
        nama: the region's name, such as `Sembung`.
        kecamatan: the name of the region's kecamatan, or of the region if it is one; empty for the regency.
    """

    kode: str
    nama: str
    kecamatan: str = ""

    @property
    def is_kecamatan(self) -> bool:
        return len(self.kode) == len("35.24.01")

    @property
    def is_desa(self) -> bool:
        """Whether it is a desa or a kelurahan."""
        return len(self.kode) == len("35.24.01.2001")


@lru_cache(1)
def read_wilayah() -> tuple[Wilayah, ...]:
    """All 502 regions of Lamongan, in the order of their codes: each kecamatan comes before its desa."""
    with Path(__file__).with_name("wilayah_3524.csv").open(encoding="utf-8", newline="") as file:
        names = {row["kode"]: row["nama"] for row in csv.DictReader(file)}
    return tuple(Wilayah(kode, nama, names.get(kode[:8], "") if len(kode) >= 8 else "") for kode, nama in names.items())
