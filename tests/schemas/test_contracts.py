"""The contracts that ship with the product, against their meta-schema and their schemas."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.builders import a_grant, a_strict_document
from tests.schemas import resolved
from tests.schemas.resolved import Document

META = resolved.validator((resolved.SCHEMAS / "contract.schema.json").resolve().as_uri())
HEADER = "# yaml-language-server: $schema=../../schemas/contract.schema.json\n"

DOCUMENTS = resolved.documents()
PERSONAL = [document for document in DOCUMENTS if document.is_personal]
every_contract = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
every_personal_contract = pytest.mark.parametrize("document", PERSONAL, ids=lambda document: document.name)


def _row_pointers(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        for dialect, condition in row.items():
            if dialect in {"all", "any"}:
                yield from _row_pointers(condition)
            elif dialect == "not":
                yield from _row_pointers([condition])
            else:
                yield from (key if key.startswith("/") else f"/{key}" for key in condition)


def _granted_pointers(grant: Mapping[str, Any]) -> Iterator[str]:
    yield from grant.get("fields", [])
    yield from grant.get("mask", {})
    yield from _row_pointers(grant.get("rows", []))


def _grants(field: str, pointer: str) -> bool:
    return pointer == field or pointer.startswith(f"{field}/")


def test_all_shipped_contracts_are_there() -> None:
    assert [document.name for document in DOCUMENTS] == [
        "infrastruktur.jalan-nasional",
        "infrastruktur.ruas-jalan",
        "kependudukan.cari-nik",
        "kependudukan.data-balikan",
        "kependudukan.penduduk",
        "kependudukan.peristiwa",
        "kependudukan.verifikasi-nik",
        "layanan.katalog",
        "pengaduan.aduan",
        "pengaduan.laporan",
        "pengaduan.tindak-lanjut",
        "perencanaan.dak",
        "perencanaan.kegiatan-krisna",
        "perencanaan.kegiatan",
        "perizinan.data-nib",
        "perizinan.izin",
        "satudata.dataset",
        "satudata.indikator",
        "satudata.tabel",
    ]


@every_contract
def test_a_contract_is_valid_under_the_meta_schema(document: Document) -> None:
    assert [(error.json_path, error.message) for error in META.iter_errors(document.body)] == []


@every_contract
def test_an_editor_finds_the_meta_schema_in_the_first_line(document: Document) -> None:
    assert document.path.read_text().startswith(HEADER)


@every_contract
def test_a_contract_stands_where_its_name_says(document: Document) -> None:
    assert document.path.relative_to(resolved.CONTRACTS).as_posix() == document.name.replace(".", "/") + ".yaml"


@every_contract
def test_every_example_is_valid(document: Document) -> None:
    errors = [
        error.message for uri, example in document.examples() for error in resolved.validator(uri).iter_errors(example)
    ]
    assert errors == []


@every_contract
def test_every_pointer_of_the_document_leads_into_its_schema(document: Document) -> None:
    received = [document.body.get("key"), document.body.get("delivery", {}).get("ordered_by")]
    received += [pointer for grant in document.body["consumers"] for pointer in _granted_pointers(grant)]
    assert [pointer for pointer in received if pointer and not resolved.reaches(document.received, pointer)] == []
    assert resolved.reaches(document.sent, document.body.get("subject", ""))


@every_contract
def test_a_key_is_a_required_property(document: Document) -> None:
    schema = resolved.registry().contents(document.received)
    assert document.body.get("key", "/" + schema["required"][0]).removeprefix("/") in schema["required"]


@every_personal_contract
def test_everybody_who_gets_personal_data_says_why_on_what_basis_and_until_when(document: Document) -> None:
    complete = {"purpose", "legal_basis", "until"}
    incomplete = [grant["participant"] for grant in document.body["consumers"] if not complete <= grant.keys()]
    assert incomplete == []


@every_personal_contract
def test_a_grant_of_a_record_gives_its_key(document: Document) -> None:
    key = document.body.get("key")
    grants = [grant["fields"] for grant in document.body["consumers"] if "fields" in grant]
    assert [fields for fields in grants if key and not any(_grants(field, key) for field in fields)] == []


@every_contract
def test_a_mask_covers_what_the_grant_gives(document: Document) -> None:
    for grant in document.body["consumers"]:
        fields = grant.get("fields", [""])
        assert [
            pointer for pointer in grant.get("mask", {}) if not any(_grants(field, pointer) for field in fields)
        ] == []


@every_contract
def test_nobody_has_two_grants(document: Document) -> None:
    consumers = [grant["participant"] for grant in document.body["consumers"]]
    assert len(consumers) == len(set(consumers))


def test_a_village_gets_its_own_residents_alone() -> None:
    residents = next(document for document in DOCUMENTS if document.name == "kependudukan.penduduk")
    rows = {grant["participant"]: grant.get("rows") for grant in residents.body["consumers"]}
    assert rows["desa-sembung"] == [{"prefix": {"/alamat/kode_wilayah": "35.24.01.2001"}}]
    assert rows["desa-paciran"] == [{"prefix": {"/alamat/kode_wilayah": "35.24.14.2003"}}]


def test_a_looked_up_person_has_the_fields_of_a_resident() -> None:
    penduduk = resolved.read(resolved.SCHEMAS / "kependudukan/penduduk.schema.json")
    answer = resolved.read(resolved.SCHEMAS / "kependudukan/cari-nik.answer.schema.json")
    assert answer["properties"]["penduduk"]["properties"].keys() == penduduk["properties"].keys()


def test_a_complaint_has_no_place_for_its_reporter() -> None:
    laporan = resolved.read(resolved.SCHEMAS / "pengaduan/laporan.schema.json")
    assert not {
        name for name in laporan["properties"] if "pelapor" in name or name in {"nik", "nama", "telepon", "surel"}
    }


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(a_strict_document(), id="a record"),
        pytest.param(a_strict_document(kind="event", key=None, subject="/nik"), id="an event"),
        pytest.param(
            a_strict_document(
                kind="query",
                key=None,
                subject="/nik",
                examples=None,
                schema=None,
                request={},
                answer={},
                cache_seconds=60,
            ),
            id="a query",
        ),
        pytest.param(a_strict_document(schema={"$ref": "a.schema.json"}), id="a schema in a file"),
        pytest.param(
            a_strict_document(classification="public", consumers=[{"participant": "bappeda"}]), id="public data"
        ),
        pytest.param(
            a_strict_document(consumers=[a_grant(rows=[{"not": {"any": [{"exact": {"a": "b"}}]}}])]), id="nested rows"
        ),
        pytest.param(a_strict_document(consumers=None), id="no consumer yet"),
        pytest.param(
            a_strict_document() | {"$schema": "../../schemas/contract.schema.json"}, id="a JSON document for an editor"
        ),
    ],
)
def test_the_meta_schema_takes(document: dict[str, Any]) -> None:
    assert META.is_valid(document)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(a_strict_document(key=None), id="a record without a key"),
        pytest.param(a_strict_document(schema=None), id="a record without a schema"),
        pytest.param(a_strict_document(kind="event", subject="/nik"), id="an event with a key"),
        pytest.param(a_strict_document(kind="event", key=None), id="personal data about nobody"),
        pytest.param(
            a_strict_document(kind="query", key=None, subject="/nik", examples=None, schema=None, request={}),
            id="a query without answer",
        ),
        pytest.param(
            a_strict_document(kind="query", key=None, subject="/nik", examples=None, request={}, answer={}),
            id="a query with a schema",
        ),
        pytest.param(a_strict_document(cache_seconds=60), id="a record that is cached"),
        pytest.param(a_strict_document(schema={"type": "objek"}), id="a schema that is none"),
        pytest.param(a_strict_document(contract="penduduk"), id="a name without a domain"),
        pytest.param(a_strict_document(version="1.0"), id="half a version"),
        pytest.param(a_strict_document(key="nik"), id="a pointer without slash"),
        pytest.param(a_strict_document(classification="secret"), id="an unknown classification"),
        pytest.param(a_strict_document(producers=[]), id="nobody who sends"),
        pytest.param(a_strict_document(konsumen=[]), id="an unknown property"),
        pytest.param(a_strict_document(delivery={"retention_days": 0}), id="data kept for no time"),
        pytest.param(a_strict_document(consumers=[a_grant(until=None)]), id="personal data without end"),
        pytest.param(
            a_strict_document(consumers=[a_grant(legal_basis=None)]), id="personal data without a legal basis"
        ),
        pytest.param(a_strict_document(consumers=[a_grant(until="31-12-2027")]), id="an end that is no date"),
        pytest.param(a_strict_document(consumers=[a_grant(mask={"/nik": "hash"})]), id="an unknown mask"),
        pytest.param(a_strict_document(consumers=[a_grant(fields=[])]), id="a grant of nothing"),
        pytest.param(a_strict_document(consumers=[a_grant(rows=[{"regex": {"a": "b"}}])]), id="an unknown filter"),
        pytest.param(
            a_strict_document(consumers=[a_grant(rows=[{"exact": {"a": "b"}, "not": {}}])]), id="two filters in one"
        ),
    ],
)
def test_the_meta_schema_refuses(document: dict[str, Any]) -> None:
    assert not META.is_valid(document)
