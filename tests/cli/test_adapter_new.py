"""`bus adapter new`: writes a package where nothing is, and says why it does not. The journey of another agency runs one."""

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bus.cli.adapter import adapter
from bus.cli.adapter_new import PackageRefused
from bus.declared import OpenApiInvalid


def new(*arguments: str | Path) -> Result:
    return CliRunner().invoke(adapter, ["new", *map(str, arguments)])


def test_it_says_what_it_wrote_and_what_to_do_next(tmp_path: Path) -> None:
    made = new("balai", "--coded", "--to", tmp_path / "b")
    written = {str(path) for path in (tmp_path / "b").rglob("*") if path.is_file()}
    assert set(made.stdout.splitlines()[:-1]) == written
    assert made.stdout.splitlines()[-1].startswith("next: ")


def test_nothing_of_the_template_is_left_unfilled(tmp_path: Path) -> None:
    new("balai", "--coded", "--title", "Balai Bengawan Solo", "--to", tmp_path / "b")
    for path in (tmp_path / "b").rglob("*"):
        assert path.suffix != ".jinja"
        assert not path.is_file() or ("{{ " not in path.read_text() and "{%" not in path.read_text())


def test_a_folder_with_something_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    refused = new("balai", "--coded", "--to", tmp_path)
    assert isinstance(refused.exception, PackageRefused)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_name_that_an_adapter_has_is_refused(tmp_path: Path) -> None:
    refused = new("pupr", "--coded", "--to", tmp_path / "b")
    assert isinstance(refused.exception, PackageRefused)
    assert not (tmp_path / "b").exists()


def test_the_operations_of_an_openapi_file_are_listed_and_nothing_is_made(tmp_path: Path) -> None:
    file = tmp_path / "api.json"
    file.write_text('{"openapi": "3.1.0", "paths": {"/pasar": {"get": {"summary": "Daftar pasar"}, "post": {}}}}')
    listed = new("pasar", "--declared", "--openapi", file, "--to", tmp_path / "b")
    assert listed.stdout.splitlines() == ["--operation 'GET /pasar'  # 'Daftar pasar'", "--operation 'POST /pasar'"]
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    "hostile",
    ["$(touch pwned)", "`touch pwned`", '"; touch pwned; "', "'; touch pwned; '", "& touch pwned &", "x\ntouch pwned"],
)
@pytest.mark.parametrize("comments", ["", "shopt -u interactive_comments; "])
def test_a_listed_operation_runs_nothing_in_a_shell(tmp_path: Path, hostile: str, comments: str) -> None:
    file, here = tmp_path / "api.json", tmp_path / "here"
    here.mkdir()
    file.write_text(json.dumps({"openapi": "3.1.0", "paths": {f"/{hostile}": {"get": {"summary": hostile}}}}))
    lines = new("pasar", "--declared", "--openapi", file).stdout
    typed = "".join(f"{comments}printf '%s\\n' {line}\n" for line in lines.splitlines())
    ran = subprocess.run(["bash", "-i"], input=typed, cwd=here, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines()[0] == "--operation"
    assert list(here.iterdir()) == []


def test_the_line_that_says_what_is_next_works_in_a_folder_of_any_name(tmp_path: Path) -> None:
    made = new("pasar", "--declared", "--to", tmp_path / "a b'; touch pwned; '")
    typed = made.stdout.splitlines()[-1].removeprefix("next: ").partition(" && ")[0]
    ran = subprocess.run(["sh", "-c", f"{typed} && pwd"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(tmp_path / "a b'; touch pwned; '")


def test_an_openapi_file_above_a_mebibyte_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "api.json"
    file.write_text('{"openapi": "3.1.0", "info": {"description": "' + "x" * 1024 * 1024 + '"}}')
    refused = new("pasar", "--declared", "--openapi", file)
    assert isinstance(refused.exception, OpenApiInvalid)


@pytest.mark.parametrize(
    "options",
    [
        ("Balai", "--coded"),
        ("balai-solo", "--coded"),
        ("b", "--coded"),
        ("balai",),
        ("balai", "--declared", "--coded"),
        ("balai", "--declared", "--operation", "GET /berkas"),
        ("balai", "--coded", "--title", 'Balai" + exit()'),
        ("balai", "--coded", "--owner", "Dinas PU"),
    ],
)
def test_what_would_make_no_package_is_wrong_usage(options: tuple[str, ...], tmp_path: Path) -> None:
    assert new(*options, "--to", tmp_path / "b").exit_code == 2
    assert not (tmp_path / "b").exists()


def test_its_help_shows_an_example() -> None:
    assert "bus adapter new balai --coded" in new("--help").stdout
