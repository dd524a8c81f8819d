"""`bus contract`: comparing, applying, listing, showing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import json
from tests.builders import SCHEMA, a_grant
from tests.cli.a_command import BREAKING, Commands, commands
from tests.contracts.documents import ROOT, SHIPPED

NAME = "kependudukan.uji"
LISTS = {**SCHEMA, "properties": {**SCHEMA["properties"], "keluarga": {"type": "array"}}}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def test_applying_shows_the_plan_puts_in_force_and_is_idempotent(run: Commands) -> None:
    first, again = (
        run("contract", "apply", "--grants-seen", ROOT / "contracts"),
        run("contract", "apply", ROOT / "contracts"),
    )
    assert (first.code, again.code) == (0, 0)
    assert "kependudukan.data-balikan 1.0.0: add and activate" in first.out
    assert again.out.splitlines()[-1] == "nothing to do"


def test_what_was_applied_is_in_force(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written())
    with run.catalogue() as catalogue:
        catalogue.refresh()
        assert catalogue.newest(NAME).contract.title == "Penduduk rekaan"


def test_a_plan_can_be_seen_without_carrying_it_out(run: Commands) -> None:
    ran = run("contract", "apply", "--grants-seen", run.written(), "--dry-run")
    lines = ran.out.splitlines()
    assert (ran.code, lines[0], lines[-1]) == (0, f"{NAME} 1.0.0: add and activate", "nothing was changed")
    assert "    bapenda, for uji (PKS 1/2026), until 2099-12-31" in lines
    assert run("contract", "list").out == ""


def test_more_personal_data_are_not_shown_to_anybody_before_somebody_saw_it(run: Commands) -> None:
    ran = run("contract", "apply", run.written())
    assert (ran.code, "--grants-seen" in ran.err, "will be shown" in ran.out) == (1, True, True)
    assert NAME not in run("contract", "list").out
    run("contract", "apply", "--grants-seen", run.written())
    again = run("contract", "apply", run.written(version="1.0.1", title="Lain"))
    assert again.code == 0, "nothing more is granted, so there is nothing to see"


def test_applying_names_the_participants_that_do_not_exist_yet(run: Commands) -> None:
    run("participant", "add", "bapenda", "--kind", "app")
    ran = run("contract", "apply", run.written(), "--dry-run")
    assert f"participant dukcapil-lamongan does not exist yet, named by {NAME}" in ran.err
    assert "participant bapenda" not in ran.err


@pytest.mark.parametrize("command", ["lint", "diff", "apply"])
def test_documents_and_the_shipped_ones_at_once_or_neither_are_wrong_usage(run: Commands, command: str) -> None:
    assert run("contract", command).code == 2
    assert run("contract", command, run.written(), "--shipped").code == 2


def test_the_shipped_contracts_break_nothing_where_they_are_in_force(run: Commands) -> None:
    assert run("contract", "apply", "--grants-seen", "--shipped").code == 0
    assert run("contract", "diff", "--shipped").code == 0


def test_a_changed_document_under_the_same_version_is_refused(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written())
    ran = run("contract", "apply", "--grants-seen", run.written(title="Lain"))
    assert (ran.code, "raise the version" in ran.err) == (1, True)


def test_what_would_break_is_refused_with_the_report_and_nothing_is_applied(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written())
    ran = run("contract", "apply", "--grants-seen", run.written(**BREAKING), run.written(contract="uji.lain"))
    assert (ran.code, "breaks what 1.0.0 promises" in ran.err) == (1, True)
    assert f"{NAME} 2.0.0: refused" in ran.out
    assert "uji.lain 1.0.0: add and activate" in ran.out
    assert "incompatible: closed: /schema/additionalProperties" in ran.out
    assert "uji.lain" not in run("contract", "list").out


def test_versions_of_one_folder_are_applied_from_the_lowest_and_judged_against_each_other(run: Commands) -> None:
    files = [run.written(version=version) for version in ("1.10.0", "1.9.0")]
    applied = run("contract", "apply", "--grants-seen", *files)
    refused = run(
        "contract",
        "apply",
        "--grants-seen",
        run.written(version="1.11.0"),
        run.written(**{**BREAKING, "version": "1.12.0"}),
    )
    assert [line for line in applied.out.splitlines() if "add and" in line] == [
        f"{NAME} 1.9.0: add and activate",
        f"{NAME} 1.10.0: add and activate",
    ]
    assert refused.code == 1
    assert "against" not in refused.err
    assert "1.11.0" in refused.err


def test_several_refusals_are_all_named(run: Commands) -> None:
    files = [run.written(), run.written(contract="uji.lain")]
    run("contract", "apply", "--grants-seen", *files)
    ran = run(
        "contract", "apply", "--grants-seen", run.written(title="Lain"), run.written(contract="uji.lain", title="Lain")
    )
    assert (ran.code, f"{NAME} 1.0.0: refused" in ran.err, "uji.lain 1.0.0: refused" in ran.err) == (1, True, True)


def test_documents_with_errors_are_not_applied_and_say_where(run: Commands) -> None:
    path = run.written(examples=[{"nik": "x"}])
    ran = run("contract", "apply", "--grants-seen", path)
    assert (ran.code, f"{path}:1: error: example: /examples/0/nik: " in ran.err) == (1, True)


def test_a_difference_to_the_registered_versions_is_shown_with_a_payload_and_whom_it_touches(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written(consumers=[a_grant(fields=["/nik", "/nama"])]))
    ran = run("contract", "diff", run.written(**BREAKING))
    assert ran.code == 1
    assert f"{NAME} 2.0.0: incompatible, a major step" in ran.out
    assert '"nama":' in ran.out
    assert "touches bapenda: field /nama: The field is gone." in ran.out


def test_a_first_version_is_not_called_a_step_from_another(run: Commands) -> None:
    ran = run("contract", "diff", run.written())
    assert ran.code == 0
    assert f"{NAME} 1.0.0: compatible, no active version to compare with" in ran.out
    assert "step" not in ran.out


def test_a_difference_can_be_taken_from_files_without_a_bus(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUS_DATA_DIR", str(run.folder / "none"))
    old = run.written()
    ran = run("contract", "diff", run.written(version="1.0.1", title="Lain"), "--against", old)
    assert (ran.code, ran.out) == (0, f"{NAME} 1.0.1: compatible, a patch step\n")


def test_a_difference_is_told_to_machines(run: Commands) -> None:
    ran = run("contract", "diff", run.written(**BREAKING), "--against", run.written(), "--format", "json")
    told = json.loads(ran.out)
    assert (told["compatibility"]["verdict"], told["step"]) == ("incompatible", "major")
    assert told["touches"][0].keys() == {"participant", "what", "pointer", "why"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": "1.1.0", "schema": LISTS}, 0),
        ({"version": "1.0.1", "schema": {**SCHEMA, "properties": {**SCHEMA["properties"], "agama": {}}}}, 1),
        ({**BREAKING, "compatibility": "none"}, 0),
    ],
)
def test_a_difference_ends_with_1_where_the_version_could_not_become_active(
    run: Commands, changes: dict[str, object], code: int
) -> None:
    assert run("contract", "diff", run.written(**changes), "--against", run.written()).code == code


def test_what_is_registered_is_listed(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", ROOT / "contracts")
    rows = [json.loads(line) for line in run("contract", "list", "--json").out.splitlines()]
    assert len(rows) == len(SHIPPED)
    assert {row["state"] for row in rows} == {"active"}


def test_a_version_is_shown_with_its_history(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written())
    shown = json.loads(run("contract", "show", NAME, "--json").out)
    assert (shown["contract"], shown["document"]["title"]) == (NAME, "Penduduk rekaan")
    assert [(move["state"], move["by"]) for move in shown["history"]] == [("draft", "operator"), ("active", "operator")]


def test_a_version_is_shown_to_people(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written())
    shown = run("contract", "show", NAME, "--version", "1.0.0").out
    assert all(text in shown for text in ("state           active", "operator", "title: Penduduk rekaan"))


def test_showing_what_is_not_there_is_refused(run: Commands) -> None:
    assert run("contract", "show", "kependudukan.tiada").code == 1
