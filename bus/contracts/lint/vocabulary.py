"""The vocabulary of lint: keywords of JSON Schema, formats of bounded length, names of properties about persons."""

from collections.abc import Collection

KEYWORDS = frozenset(
    """
    $ref $defs $comment allOf anyOf oneOf not if then else dependentSchemas prefixItems items contains properties
    patternProperties additionalProperties propertyNames unevaluatedItems unevaluatedProperties type enum const multipleOf
    maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems maxContains
    minContains maxProperties minProperties required dependentRequired title description default deprecated readOnly writeOnly
    examples format contentEncoding contentMediaType contentSchema definitions
    """.split()  # noqa: SIM905 - sixty lines of literals would be no list to read
)
"""The keywords of 2020-12 that contracts may use. `definitions` is an old name of `$defs` that still works."""

BOUNDED_FORMATS = frozenset({"date", "email", "uuid", "ipv4", "ipv6", "hostname"})
"""Formats with a bounded length. A time has none: it may have any number of decimals."""

PHONE_NAMES = frozenset(
    """
    telepon nomor_telepon no_telepon telp no_telp nomor_telp hp nomor_hp no_hp ponsel nomor_ponsel wa no_wa nomor_wa whatsapp
    nomor_whatsapp
    """.split()  # noqa: SIM905
)
"""Names of properties that hold a phone number."""

ADDRESS_NAMES = frozenset({"alamat", "alamat_rumah", "alamat_ktp", "alamat_tinggal", "domisili"})
"""Names of properties that hold an address."""

PERSONAL_DEFINITIONS = frozenset({"nip", "npwp", "telepon"})
"""Shared definitions in schemas/common that lead to one person, beside those of the rule on identifiers."""

PERSONAL_NAMES = frozenset(
    """
    nik no_nik nomor_nik nomor_induk_kependudukan nomor_kk no_kk nip npwp nomor_paspor no_paspor nomor_sim nama nama_lengkap
    nama_ayah nama_ibu nama_ibu_kandung nama_pemohon nama_pelapor nama_pemilik tempat_lahir tanggal_lahir tgl_lahir jenis_kelamin
    agama status_perkawinan golongan_darah pekerjaan alamat alamat_rumah telepon nomor_telepon no_telepon nomor_hp no_hp surel
    email nomor_rekening no_rekening foto sidik_jari penyakit diagnosis riwayat_penyakit disabilitas
    """.split()  # noqa: SIM905
)
"""Names that regency apps use for data that identify a person, alone or together (UU 27/2022, art. 4)."""

_NAMES_OF_THINGS = frozenset({"nama"})
"""A road, an office or a data set has such a property too. It speaks of a person beside another property about persons."""


def names_person(name: str, beside: Collection[str]) -> bool:
    """Whether a property's name says that the property is about a person.

    Args:
        name: the property's name.
        beside: the names of the other properties of the same object.
    """
    if name in _NAMES_OF_THINGS:
        return bool(PERSONAL_NAMES.difference(_NAMES_OF_THINGS).intersection(beside))
    return name in PERSONAL_NAMES
