"""`bus disclosures`: who received personal data, for people, as JSON and as an export."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import json
from bus.cli.workspace import open_workspace
from bus.disclosures import Channel, Disclosure, DisclosureLog
from bus.journal import Persons
from tests.builders import a_nik
from tests.cli.a_command import Commands, commands

NAME = "kependudukan.uji"


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    """A bus with a page for one participant and an answer about a person for another one."""
    with commands(tmp_path, monkeypatch, capsys) as run:
        assert run("contract", "apply", "--grants-seen", run.written()).code == 0
        with run.catalogue() as catalogue, open_workspace(run.folder / "data") as workspace:
            catalogue.refresh()
            common = (catalogue.number_of(NAME) or 0, "1.0.0", "imuni\x1b[2Jsasi", "PKS 8", ["/nik"])
            log = DisclosureLog(workspace.storage, Persons(workspace.storage))
            log.record([Disclosure("dinkes", "client_1", Channel.FEED, *common, positions=[1, 2, 5])])
            log.record([Disclosure("dinsos", "client_2", Channel.QUERY, *common, person=a_nik(1))])
        yield run


def test_disclosures_are_listed_for_people_whatever_their_texts_hold(bus: Commands):
    (line,) = bus("disclosures", "--participant", "dinkes").out.splitlines()
    columns = line.split("\t")
    assert columns[1:4] == ["dinkes client_1 by feed", f"{NAME} 1.0.0", "3 events"]
    assert line.replace("\t", "").isprintable()


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["dinsos", "dinkes"]),
        (["--limit", "1"], ["dinsos"]),
        (["--client", "client_1"], ["dinkes"]),
        (["--contract", NAME, "--purpose", "lain"], []),
        (["--subject", a_nik(1)], ["operator", "dinsos"]),
        (["--since", "2020-01-01"], ["dinsos", "dinkes"]),
        (["--until", "2020-01-01T00:00:00+07:00"], []),
    ],
)
def test_disclosures_are_narrowed(bus: Commands, options: list[str], found: list[str]):
    told = map(json.loads, bus("disclosures", "--json", *options).out.splitlines())
    assert [one["participant"] for one in told] == found


def test_a_person_is_asked_about_without_a_trace_in_the_shell_s_history(bus: Commands):
    bus.monkeypatch.setattr("sys.stdin", io.StringIO(f"{a_nik(1)}\n"))
    ran = bus("disclosures", "--json", "--subject", "-", "--reason", f"surat 12 dari {a_nik(1)}")
    searched, told = map(json.loads, ran.out.splitlines())
    assert told["participant"] == "dinsos"
    assert [searched[name] for name in ("channel", "client_id", "purpose")] == [
        "lookup",
        "command line",
        "surat 12 dari …",
    ]


def test_an_export_is_whole_and_for_its_user_alone(bus: Commands):
    bus.monkeypatch.setattr("bus.cli.disclosures._PAGE", 1)
    path = bus.folder / "temuan.ndjson"
    assert bus("disclosures", "--export", path).code == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["participant"], line["positions"]) for line in lines] == [
        ("dinsos", []),
        ("dinkes", [[1, 2], [5, 5]]),
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in bus.folder.glob("temuan*")] == ["temuan.ndjson"]


@pytest.mark.parametrize(
    ("options", "code"),
    [(["--contract", a_nik(1)], 1), (["--since", "kemarin"], 2), (["--export", "/tidak/ada"], 2)],
)
def test_what_cannot_be_is_refused(bus: Commands, options: list[str], code: int):
    ran = bus("disclosures", *options)
    assert (ran.code, a_nik(1) in ran.err) == (code, False)
