"""`bus adapter new`: writes a document or a package for an agency's adapter, which passes its checks as made."""

import re
import shlex
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Final

import typer

from bus.cli.adapter_declared import read_openapi, write_declared
from bus.cli.package_files import open_templates, write_files
from bus.cli.terminal import say
from bus.declared import Office, OpenApi
from bus.problem import Refused

_TEMPLATE: Final = Path(__file__).with_name("adapter_template")
_SUFFIX: Final = ".jinja"
_NAME: Final = re.compile(r"[a-z][a-z0-9]{1,30}")
_PARTICIPANT: Final = re.compile(r"[a-z][a-z0-9-]{1,62}")
_TITLE: Final = re.compile(r"[^\W_][\w .,()-]{0,80}")
"""The title stands in code and in YAML, so it has no signs that mean something there."""


class PackageRefused(Refused):
    """The package cannot be written here, or under this name; choose another."""

    status = 409
    slug = "package-refused"


def new_adapter(
    name: Annotated[str, typer.Argument(help="the agency's name: small letters and digits, such as balai")],
    coded: Annotated[
        bool, typer.Option("--coded", help="a package of code, for whatever the agency's API needs")
    ] = False,
    declared: Annotated[
        bool, typer.Option("--declared", help="a document with contracts, called without code")
    ] = False,
    openapi: Annotated[
        Path | None,
        typer.Option(help="the agency's OpenAPI file, 3.0 or 3.1, to begin with", exists=True, dir_okay=False),
    ] = None,
    operation: Annotated[
        list[str] | None,
        typer.Option(
            help='of the OpenAPI file: "METHOD /path", perhaps with deliver, poll or query behind it; several times'
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(help="the agency's name for people; absent: the name")] = None,
    owner: Annotated[str, typer.Option(help="the office that owns the contracts")] = "dinas-kominfo",
    folder: Annotated[
        Path | None, typer.Option("--to", help="an empty or new folder; absent: adapter-NAME or bus-NAME")
    ] = None,
) -> None:
    """Write the beginning of an adapter. As made it speaks to an invented agency, or to the one of an OpenAPI file: change it.

    --declared writes an adapter document, contracts and examples; --coded a package with adapter, simulator and tests. With
    --openapi and without --operation the file's operations are listed, and nothing is written.

    Example: bus adapter new pasar --declared --openapi pasar.yaml --operation "GET /pasar"

    Example: bus adapter new balai --coded --title "Balai Bengawan Solo" --owner dpupr
    """
    _check_options(name, coded, declared, title, owner)
    _check_openapi(openapi, operation, declared=declared)
    api = read_openapi(openapi) if openapi else None
    if api is not None and not operation:
        _list_operations(api)
        return
    target = folder or Path(f"adapter-{name}" if declared else f"bus-{name}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise PackageRefused(f"{target} has something in it; give another folder with --to")
    people = title or name.capitalize()
    if declared:
        written = write_declared(target, Office(name, people, owner), api, operation or ())
        then = f"bus adapter lint {name}.yaml --contracts contracts"
    else:
        written = write_package(target, {"name": name, "class": name.capitalize(), "title": people, "owner": owner})
        then = "pip install -e '.[test]' && pytest"
    for one in written:
        say(str(one))
    say(f"next: cd {shlex.quote(str(target))} && {then}; then read README.md")


def _list_operations(api: OpenApi) -> None:
    for method, path, title in api.list_operations():
        # People copy these lines into a shell, and the file is another's. Not every shell takes `#` for a comment.
        say(f"--operation {shlex.quote(f'{method} {path}')}" + (f"  # {shlex.quote(title)}" if title else ""))
    say("Nothing was written: choose from these operations.", err=True)


def _check_openapi(openapi: Path | None, operation: list[str] | None, *, declared: bool) -> None:
    if openapi is None and operation:
        raise typer.BadParameter("--operation needs --openapi")
    if openapi is not None and not declared:
        raise typer.BadParameter("--openapi needs --declared")


def _check_options(name: str, coded: bool, declared: bool, title: str | None, owner: str) -> None:
    if coded is declared:
        raise typer.BadParameter("say which kind of adapter: --declared or --coded")
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(f"{name!r} is no name for a package: use 2 to 31 small letters and digits")
    if title is not None and not _TITLE.fullmatch(title):
        raise typer.BadParameter("the title may have letters, digits, blanks and .,()-, 81 in all")
    if not _PARTICIPANT.fullmatch(owner):
        raise typer.BadParameter(f"{owner!r} is no participant's name, such as dpupr")
    if name in entry_points(group="bus.adapters").names:
        raise PackageRefused(f"there is an adapter {name!r} already; choose another name")


def write_package(folder: Path, values: dict[str, str]) -> list[Path]:
    """Write all files of the template, and return their places.

    Args:
        folder: the package's folder, which is made.
        values: `name`, `class`, `title` and `owner`.
    """
    templates = open_templates(_TEMPLATE)
    files = {}
    for source in _TEMPLATE.rglob(f"*{_SUFFIX}"):
        place = source.relative_to(_TEMPLATE)
        parts = [f"bus_{values['name']}" if part == "package" else part for part in place.with_suffix("").parts]
        files["/".join(parts)] = templates.get_template(place.as_posix()).render(values).encode()
    return write_files(folder, files)
