"""The files of a package that a command begins: made of templates, and written below one folder."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def open_templates(folder: Path) -> Environment:
    """The templates in a folder. A value that a template names and nobody gives is an error."""
    # Code and guides come of them, and no page: to escape HTML would change them. The values' signs are checked before.
    return Environment(  # noqa: S701
        loader=FileSystemLoader(folder), undefined=StrictUndefined, keep_trailing_newline=True
    )


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files, and return their places in order.

    Args:
        files: path below the folder to content. Folders are made.
    """
    written = []
    for name, content in sorted(files.items()):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        written.append(place)
    return written
