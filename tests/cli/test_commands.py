"""The commands as they are called: each is found alone as among all, and brings no more in than it needs."""

import subprocess
import sys
from importlib import metadata

import pytest
import typer

from bus.cli import main, make_command_line, make_overview


def help_of(name: str, app: typer.Typer, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        app([name, "--help"], prog_name="bus")
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["init", "serve", "simulate", "participant", "client", "contract", "keys"])
def test_a_command_alone_is_the_one_among_all(name: str, capsys: pytest.CaptureFixture[str]):
    alone = help_of(name, make_command_line([name, "--help"]), capsys)
    assert f"Usage: bus {name}" in alone
    assert alone == help_of(name, make_command_line([]), capsys)


def test_the_overview_has_the_line_of_every_command(capsys: pytest.CaptureFixture[str]):
    shown = []
    for app in (make_overview(), make_command_line([])):
        with pytest.raises(SystemExit):
            app(["--help"], prog_name="bus")
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]


@pytest.mark.parametrize("first", ["--", "--version"])
def test_a_command_after_an_option_is_never_passed_over(
    first: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["bus", first, "keys"])
    with pytest.raises(SystemExit) as ended:
        main()
    expected = (0, metadata.version("bus-lamongan")) if first == "--version" else (2, "keys [OPTIONS]")
    said = capsys.readouterr()
    assert (ended.value.code, expected[1] in said.out + said.err) == (expected[0], True)


def test_the_version_is_told():
    done = subprocess.run([sys.executable, "-m", "bus", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{metadata.version('bus-lamongan')}\n"


def test_a_command_that_there_is_not_is_named():
    done = subprocess.run([sys.executable, "-m", "bus", "inti"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "No such command 'inti'" in done.stderr


@pytest.mark.parametrize("name", ["init", "simulate", "participant", "contract", "keys"])
def test_a_command_that_serves_nobody_does_without_the_server(name: str):
    code = f"import sys; from bus.cli import make_command_line; make_command_line(['{name}']); sys.exit('fastapi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_needs_an_event_alone_loads_no_library_for_http():
    heavy = ("httpx", "pydantic", "fastapi", "ssl")
    code = f"import sys; from bus.kit import Event; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
