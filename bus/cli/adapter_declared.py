"""`bus adapter new --declared`: a folder with an adapter document and its contracts, invented or from an OpenAPI file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bus.cli.package_files import open_templates, write_files
from bus.contracts import write_yaml
from bus.declared import Choice, Office, OpenApi, OpenApiInvalid, begin_adapter, read_choice

_TEMPLATE: Final = Path(__file__).with_name("declared_template")
_INVENTED: Final = _TEMPLATE / "invented.yaml"
_README: Final = "README.md"
_LARGEST: Final = 1024 * 1024
_HEADER: Final = b"# yaml-language-server: $schema=https://bus.lamongankab.go.id/schemas/%s.schema.json\n"


def read_openapi(path: Path) -> OpenApi:
    """The OpenAPI file at a path.

    Raises:
        OpenApiInvalid: the file cannot be read, has more than 1 MiB, or is no OpenAPI 3.0 or 3.1.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except OSError as error:
        raise OpenApiInvalid(f"{path}: {error.strerror}") from None
    if len(text) > _LARGEST:
        raise OpenApiInvalid(f"{path} has more than {_LARGEST // 1024} KiB; take out what the bus does not call.")
    return OpenApi(text)


def write_declared(folder: Path, office: Office, api: OpenApi | None, chosen: Sequence[str]) -> list[Path]:
    """Write document, contracts and README, and return their places.

    Args:
        folder: the folder, which is made.
        api: the agency's API; None: an invented one.
        chosen: the operations, each as `METHOD /path`, with `poll`, `query` or `deliver` behind it if the bus should not guess.

    Raises:
        OpenApiInvalid: an operation cannot become one of the document's. Nothing is written.
    """
    api, choices = (api, [read_choice(one) for one in chosen]) if api else _read_invented()
    begun = begin_adapter(office, api, choices)
    files = {f"{office.name}.yaml": _HEADER % b"adapter" + write_yaml(begun.document)}
    for noun, contract in begun.contracts.items():
        files[f"contracts/{noun}.yaml"] = _HEADER % b"contract" + write_yaml(contract)
    readme = open_templates(_TEMPLATE).get_template(f"{_README}.jinja").render(name=office.name, title=office.title)
    return write_files(folder, {**files, _README: readme.encode()})


def _read_invented() -> tuple[OpenApi, list[Choice]]:
    """The invented agency, with all of its operations."""
    api = read_openapi(_INVENTED)
    return api, [Choice(method, path) for method, path, _ in api.list_operations()]
