"""`bus adapter new`: writes a package for an agency's adapter, whose tests pass as made."""

import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Final

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bus.cli.terminal import say
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
    title: Annotated[str | None, typer.Option(help="the agency's name for people; absent: the name")] = None,
    owner: Annotated[str, typer.Option(help="the office that owns the contracts")] = "dinas-kominfo",
    folder: Annotated[Path | None, typer.Option("--to", help="an empty or new folder; absent: bus-NAME")] = None,
) -> None:
    """Write a package with adapter, mapping, simulator, contracts and tests. It speaks to an invented agency: change it.

    Example: bus adapter new balai --coded --title "Balai Bengawan Solo" --owner dpupr
    """
    _check_options(name, coded, title, owner)
    target = folder or Path(f"bus-{name}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise PackageRefused(f"{target} has something in it; give another folder with --to")
    values = {"name": name, "class": name.capitalize(), "title": title or name.capitalize(), "owner": owner}
    for written in write_package(target, values):
        say(str(written))
    say(f"next: cd {target} && pip install -e '.[test]' && pytest; then read README.md")


def _check_options(name: str, coded: bool, title: str | None, owner: str) -> None:
    if not coded:
        raise typer.BadParameter("say which kind of adapter: --coded")
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
    # No page comes of it: the values' signs are checked.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(_TEMPLATE), undefined=StrictUndefined, keep_trailing_newline=True
    )
    written = []
    for source in sorted(_TEMPLATE.rglob(f"*{_SUFFIX}")):
        place = source.relative_to(_TEMPLATE)
        parts = [f"bus_{values['name']}" if part == "package" else part for part in place.parts]
        target = folder.joinpath(*parts).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(environment.get_template(place.as_posix()).render(values), encoding="utf-8")
        written.append(target)
    return written
