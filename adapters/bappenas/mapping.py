"""Writes datasets in CKAN's form, and sub-activities in SIPD's form; pure functions.

Sources: CKAN's Action API (package_create); Perpres 39/2019 for the metadata; public clients of SIPD for sub-activities.
"""

from collections.abc import Collection, Mapping
from typing import Any

from adapters.bappenas.kecamatan import KECAMATAN
from bus.kit import AgencyFault, Failure

LICENCES: Mapping[str, str] = {"CC-BY-4.0": "cc-by", "CC-BY-SA-4.0": "cc-by-sa", "CC0-1.0": "cc-zero"}
"""The contract's SPDX name of a licence to CKAN's id."""

EXTRAS: Mapping[str, str] = {
    "produsen": "produsen_data",
    "topik": "topik",
    "frekuensi": "frekuensi_pembaruan",
    "konsep": "konsep",
    "definisi": "definisi",
    "klasifikasi": "klasifikasi",
    "ukuran": "ukuran",
    "satuan": "satuan",
    "cakupan_wilayah": "cakupan_wilayah",
    "mulai": "cakupan_mulai",
    "selesai": "cakupan_selesai",
    "diperbarui": "diperbarui",
}
"""The contract's property to its key in `extras`, for metadata without a field in CKAN."""

_IN_USE = ("in use", "digunakan", "dipakai")
"""CKAN's words for a name that is in use, in its languages here."""
_MOST_NAMES, _LONGEST_NAMES = 20, 500
"""Most refused fields that a fault names, and most characters of their names."""
_OF_DATASET = ("nama", "judul", "deskripsi", "kata_kunci", "sumber_daya", "kontak", "lisensi")
DATASET_FIELDS = tuple(f"/{name}" for name in (*_OF_DATASET, *EXTRAS))
"""The fields that `write_package` reads."""
ACTIVITY_FIELDS = (
    "/kode_sub_kegiatan",
    "/nama_sub_kegiatan",
    "/opd",
    "/pagu",
    "/indikator",
    "/lokasi",
    "/sumber_dana",
    "/tahun_anggaran",
)
"""The fields that `write_activity` reads."""


def write_package(data: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """A dataset of the contract `satudata.dataset` in CKAN's form.

    Args:
        data: the record.
        owner: CKAN's name of the publishing organisation.
    """
    optional = {"maintainer_email": data.get("kontak"), "license_id": LICENCES.get(data.get("lisensi", ""))}
    return {
        "name": data["nama"],
        "title": data.get("judul", data["nama"]),
        "notes": data.get("deskripsi", ""),
        "owner_org": owner,
        "private": False,
        "state": "active",
        "tags": [{"name": word} for word in data.get("kata_kunci", ())],
        "resources": [write_resource(item) for item in data.get("sumber_daya", ())],
        "extras": [{"key": key, "value": str(data[ours])} for ours, key in EXTRAS.items() if ours in data],
        **{name: value for name, value in optional.items() if value is not None},
    }


def write_resource(item: Mapping[str, Any]) -> dict[str, Any]:
    """A file or service of a dataset in CKAN's form."""
    return {
        "name": item["nama"],
        "url": item["url"],
        "format": item["format"],
        "description": item.get("deskripsi", ""),
    }


def read_ckan_fault(error: Mapping[str, Any], status: int) -> AgencyFault | None:
    """The fault for an error of CKAN; None if CKAN names no known error. It names fields, never their values."""
    match error.get("__type"):
        case "Validation Error":
            fields = {name for name in error if name != "__type"}
            return AgencyFault(
                _classify_fields(error, fields),
                f"CKAN refuses {', '.join(sorted(fields)[:_MOST_NAMES])[:_LONGEST_NAMES]}",
                status=status,
            )
        case "Authorization Error":
            return AgencyFault(Failure.SINK_DOWN, "CKAN refuses the bus's token for this organisation", status=status)
        case "Not Found Error":
            return AgencyFault(Failure.SINK_DOWN, "CKAN does not know the organisation", status=status)
        case "Search Error" | "Search Query Error" | "Search Index Error" | "Internal Server Error":
            return AgencyFault(Failure.TRANSIENT, "CKAN's search or database failed", status=status)
        case _:
            return None


def _classify_fields(error: Mapping[str, Any], fields: Collection[str]) -> Failure:
    """The failure of a validation error that blames these fields."""
    if fields == {"name"} and any(word in str(error["name"]).casefold() for word in _IN_USE):
        # An earlier answer to a create was lost. The next try updates the dataset.
        return Failure.TRANSIENT
    # The settings name the organisation, so each dataset would fail.
    return Failure.SINK_DOWN if fields == {"owner_org"} else Failure.PERMANENT


def write_activity(data: Mapping[str, Any]) -> dict[str, Any]:
    """A sub-activity of the contract `perencanaan.kegiatan` in SIPD's form, with every number as a string."""
    return {
        "kode_sub_giat": data["kode_sub_kegiatan"],
        "nama_sub_giat": data.get("nama_sub_kegiatan", ""),
        "kode_skpd": data.get("opd", ""),
        "pagu": write_rupiah(data.get("pagu", 0)),
        "sub_keg_indikator": [write_indicator(item) for item in data.get("indikator", ())],
        "lokasi_sub_keg": [{"camatteks": name} for name in name_districts(data.get("lokasi", ()))],
        "sumber_dana": [write_fund(item) for item in data.get("sumber_dana", ())],
        "tahun_anggaran": str(data["tahun_anggaran"]),
    }


def write_indicator(item: Mapping[str, Any]) -> dict[str, str]:
    """An indicator in SIPD's form, which writes a whole target without a fraction."""
    return {
        "outputteks": item["uraian"],
        "targetoutput": f"{item['target']:.15g}",
        "satuanoutput": item["satuan"],
    }


def write_fund(item: Mapping[str, Any]) -> dict[str, str]:
    """A source of funds in SIPD's form."""
    share = {"pagu_dana": write_rupiah(item["jumlah"])} if "jumlah" in item else {}
    return {"kode_dana": item["kode"], "nama_dana": item["nama"], **share}


def write_rupiah(rupiah: float) -> str:
    """Whole rupiah as SIPD writes them: `296187500`."""
    return str(round(rupiah))


def name_districts(codes: Any) -> list[str]:
    """The names of the kecamatan of some region codes, each once. The regency's own code is `Semua Kecamatan`."""
    return list(dict.fromkeys(KECAMATAN.get(code[:8], "Semua Kecamatan") for code in codes))
