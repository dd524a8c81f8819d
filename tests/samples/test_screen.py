"""What the demo shows on terminals of several widths."""

import io

import pytest
from rich.console import Console

from samples.flow import Flow, Verdict, Way
from samples.report import make_tables
from samples.screen import open_screen
from samples.watch import Picture, Refusal

PATTERN = "422 /data/nik must match the pattern ^[1-9][1-9][0-9]{4}(0[1-9]|[12][0-9]|3[01]|4[1-9]|[56][0-9]|7[01])$"
COMMAND = f"curl -s http://127.0.0.1:40000/v1/events -d '{'x' * 300}'"


def a_picture(*missing: str) -> Picture:
    flow = Flow("pengaduan.tindak-lanjut", ("dukcapil-lamongan", "dpupr"), "dinas-kominfo", Way.WEBHOOK, 8, {})
    refusal = Refusal(
        "dukcapil-lamongan", "kependudukan.penduduk", "a property that the contract does not have", PATTERN
    )
    return Picture([Verdict(flow, 8, [], [])], [refusal], list(missing), [])


def a_console(width: int, *, is_terminal: bool = True) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=width, height=24, force_terminal=is_terminal, color_system=None), file


@pytest.mark.parametrize("width", [80, 160])
def test_a_table_loses_no_character_and_is_no_wider_than_the_terminal(width: int) -> None:
    console, file = a_console(width, is_terminal=False)
    console.print(make_tables(a_picture(), width))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in file.getvalue()


@pytest.mark.parametrize("width", [80, 160])
def test_commands_stand_whole_below_the_tables(width: int) -> None:
    console, file = a_console(width)
    with open_screen(console, [COMMAND]) as screen:
        screen.show(a_picture("something"))
        assert COMMAND not in file.getvalue()
        screen.show(a_picture())
        screen.show(a_picture())
    shown = file.getvalue()
    assert shown.count(COMMAND) == 1
    assert shown.index("What was refused") < shown.index(COMMAND)


def test_an_end_that_is_not_whole_shows_the_tables_too() -> None:
    console, file = a_console(80)
    with open_screen(console, ["bus http://127.0.0.1:1"]) as screen:
        screen.end(a_picture("something"))
    assert "What flowed where" in file.getvalue()
    assert "bus http://127.0.0.1:1" in file.getvalue()
