"""The OpenAPI document of a bus, as generators read it from a file."""

from pathlib import Path

from bus import json
from tests.a_bus import Bus


def write_document(bus: Bus, folder: Path) -> Path:
    """The file with the document."""
    path = folder / "openapi.json"
    path.write_bytes(json.dumps(bus.edge.describe()))
    return path
