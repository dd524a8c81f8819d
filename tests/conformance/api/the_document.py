"""The OpenAPI document of a bus, as generators read it from a file, and the versions of the generators."""

import re
from pathlib import Path

from bus import json
from tests.a_bus import Bus


def write_document(bus: Bus, folder: Path) -> Path:
    """The file with the document."""
    path = folder / "openapi.json"
    path.write_bytes(json.dumps(bus.edge.describe()))
    return path


def count_operations(bus: Bus) -> int:
    """How many operations the document has."""
    return sum(len(operations) for operations in bus.edge.describe()["paths"].values())


def read_locked(folder: Path, package: str) -> str:
    """The version of a package in the folder's lock of npm."""
    lock = json.loads((folder / "package-lock.json").read_bytes())
    return str(lock["packages"][f"node_modules/{package}"]["version"])


def read_pinned(folder: Path, package: str) -> str:
    """The version of a package in the folder's lock of pip."""
    (version,) = re.findall(rf"^{re.escape(package)}==(\S+)", (folder / "requirements.lock").read_text(), re.MULTILINE)
    return str(version)
