"""`bus contract new`: a document by asking, or from an example."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bus import json
from bus.contracts.document import Contract, Kind, load_contract, parse_contract_text
from bus.contracts.yaml import read_yaml
from tests.builders import NIK
from tests.cli.a_command import Commands, commands

ROOT = Path(__file__).parents[2]
TOLD = ("--name", "perizinan.uji", "--owner", "dpmptsp", "--title", "Izin rekaan")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def answering(run: Commands, *lines: str) -> None:
    run.monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\n".join([*lines, ""]).encode())))


def a_payload(run: Commands, payload: Any) -> Path:
    path = run.folder / "payload.json"
    path.write_bytes(json.dumps(payload))
    return path


def begun(run: Commands, *options: str | Path) -> Contract:
    ran = run("contract", "new", *options)
    assert ran.code == 0
    return parse_contract_text(ran.out.encode())


def test_everything_that_is_needed_is_asked_for(run: Commands) -> None:
    answering(run, "kependudukan.uji", "record", "Penduduk rekaan", "dukcapil", "nik, nama", "", "")
    contract = begun(run)
    assert (contract.name, contract.kind, contract.owner) == ("kependudukan.uji", Kind.RECORD, "dukcapil")
    assert (contract.key, contract.subject, contract.classification.value) == ("/nik", "/nik", "personal")
    assert list(contract.sent["properties"]) == ["nik", "nama"]


def test_an_answer_that_is_none_of_the_choices_is_asked_for_again(run: Commands) -> None:
    answering(run, "riwayat", "event", "kode", "internal")
    assert begun(run, *TOLD).kind is Kind.EVENT


def test_each_answer_is_checked_when_it_is_given(run: Commands) -> None:
    answering(run, "Izin", "perizinan.izin", "event", "Izin", "Dinas Izin", "dinas-izin", "kode", "internal")
    contract = begun(run)
    assert (contract.name, contract.owner) == ("perizinan.izin", "dinas-izin")


def test_a_script_that_gives_every_option_is_asked_nothing(run: Commands) -> None:
    answering(run)
    given = ("--kind", "record", "--classification", "personal", "--fields", "nomor, nama, nik_ibu", "--key", "/nomor")
    contract = begun(run, *TOLD, *given, "--subject", "/nik_ibu")
    assert (contract.key, contract.subject) == ("/nomor", "/nik_ibu")
    assert list(contract.sent["properties"]) == ["nomor", "nama", "nik_ibu"]


def test_a_document_beside_the_shared_definitions_refers_to_them(run: Commands) -> None:
    shutil.copytree(ROOT / "schemas", run.folder / "schemas")
    payload = a_payload(run, {"nik": NIK, "kode_wilayah": "35.24.01", "lahir": "1990-01-01", "nama": "Rekaan"})
    file = run.folder / "contracts/uji/izin.yaml"
    given = ("--kind", "event", "--classification", "personal", "--output", file)
    assert run("contract", "new", "--from", payload, *TOLD, *given).code == 0
    properties = read_yaml(file.read_bytes())["schema"]["properties"]
    assert [inner.get("$ref", "").rpartition("/schemas/")[2] for inner in properties.values()] == [
        "common/nik.schema.json",
        "common/wilayah.schema.json",
        "common/tanggal.schema.json#/$defs/tanggal",
        "",
    ]
    assert load_contract(file).subject == "/nik"


def test_an_option_of_another_form_is_refused_with_the_form(run: Commands) -> None:
    ran = run("contract", "new", "--name", "Izin")
    assert ran.code == 2


def test_a_key_that_is_no_pointer_is_refused_with_the_pointer(run: Commands) -> None:
    answering(run)
    ran = run(
        "contract",
        "new",
        *TOLD,
        "--kind",
        "record",
        "--classification",
        "public",
        "--fields",
        "nomor",
        "--key",
        "nomor",
    )
    assert ran.code == 2
    assert "write /nomor" in ran.err


def test_a_script_that_gives_too_little_is_told_that_options_answer(run: Commands) -> None:
    answering(run)
    ran = run("contract", "new")
    assert ran.code == 1
    assert "Each question is an option too" in ran.err


def test_an_example_gives_the_schema_and_is_kept(run: Commands) -> None:
    payload = a_payload(run, {"nomor": "IZN-1", "tanggal": "2026-03-02"})
    contract = begun(run, "--from", payload, *TOLD, "--kind", "record", "--classification", "public", "--key", "/nomor")
    assert contract.sent["properties"]["tanggal"]["format"] == "date"
    assert contract.examples == ({"nomor": "IZN-1", "tanggal": "2026-03-02"},)


def test_a_payload_that_may_be_a_person_s_is_not_copied(run: Commands) -> None:
    payload = a_payload(run, {"nik": NIK})
    ran = run("contract", "new", "--from", payload, *TOLD, "--kind", "event", "--classification", "personal")
    assert (ran.code, NIK in ran.out + ran.err) == (0, False)
    assert "may be about a real person" in ran.err


def test_a_query_begins_from_question_and_answer(run: Commands) -> None:
    payload = a_payload(run, {"request": {"kode": "a"}, "answer": {"ada": True}})
    contract = begun(run, "--from", payload, *TOLD, "--kind", "query", "--classification", "internal")
    assert (list(contract.sent["properties"]), list(contract.shown["properties"])) == (["kode"], ["ada"])


def test_what_a_person_must_write_is_named(run: Commands) -> None:
    payload = a_payload(run, {"kode": "a"})
    path = run.folder / "baru" / "uji.yaml"
    options = ("--from", payload, *TOLD, "--kind", "event", "--classification", "internal", "--output", path)
    assert "placeholder: /schema/properties/kode/description" in run("contract", "new", *options).err
    linted = run("contract", "lint", path)
    assert (linted.code, linted.out.count("error: placeholder"), linted.out.count("error: ")) == (1, 2, 2)


def test_a_file_that_is_there_is_left_alone(run: Commands) -> None:
    payload = a_payload(run, {"kode": "a"})
    options = ("--from", payload, *TOLD, "--kind", "event", "--classification", "internal", "--output", payload)
    assert run("contract", "new", *options).code == 1
    assert json.loads(payload.read_bytes()) == {"kode": "a"}


@pytest.mark.parametrize(("payload", "kind"), [([], "event"), (["a"], "event"), ({"request": {}}, "query")])
def test_an_example_of_another_form_is_refused(run: Commands, payload: Any, kind: str) -> None:
    assert run("contract", "new", "--from", a_payload(run, payload), *TOLD, "--kind", kind).code == 1


def test_the_name_of_a_thing_is_not_taken_for_a_persons(run: Commands) -> None:
    options = (*TOLD, "--kind", "event", "--fields", "kode,nama", "--classification", "internal")
    ran = run("contract", "new", *options)
    assert ran.code == 0
    assert "personal-data" not in ran.err
    beside = run(
        "contract", "new", *TOLD, "--kind", "event", "--fields", "nama,tempat_lahir", "--classification", "internal"
    )
    assert "/schema/properties/nama: nama names personal data" in beside.err
