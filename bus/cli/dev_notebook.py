"""The notebook of a development bus: its port and its clients with their secrets, in the bus's own folder.

The notebook also marks the folder: `bus dev` touches no bus that it did not make.
"""

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from bus import json
from bus.problem import Refused
from bus.settings import NOTEBOOK


class NotForDevelopment(Refused):
    """`bus dev` did not make the bus in this folder; choose another folder."""

    slug = "not-for-development"


@dataclass(slots=True)
class DevClient:
    """The credentials of a participant.

    Attributes:
        webhook_secret: signs what `bus listen --forward` sends (`whsec_…`).
    """

    client_id: str
    client_secret: str
    webhook_secret: str


@dataclass(slots=True)
class Notebook:
    """What `bus dev` remembers.

    Attributes:
        port: the port of the last start; 0: it never started.
        has_contracts: whether the shipped contracts and their participants are in the bus.
        clients: participant to credentials.
    """

    folder: Path
    port: int = 0
    has_contracts: bool = False
    clients: dict[str, DevClient] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The notebook in a folder. A folder without a bus gets an empty one.

        Raises:
            NotForDevelopment: the folder has a bus, and no notebook.
        """
        path = folder / NOTEBOOK
        if path.exists():
            kept = json.loads(path.read_bytes())
            clients = {name: DevClient(**fields) for name, fields in kept["clients"].items()}
            return cls(folder, kept["port"], kept["has_contracts"], clients)
        if (folder / "keys").exists() or (folder / "bus.db").exists():
            raise NotForDevelopment(
                f"{folder} has a bus that `bus dev` did not make. Choose another folder: bus dev --data .bus-dev"
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        notebook = cls(folder)
        # Before the bus is made, so that a start that was broken off can be begun again.
        notebook.save()
        return notebook

    def save(self) -> None:
        """Write the notebook. A kill leaves the old one or the new one."""
        kept = {
            "port": self.port,
            "has_contracts": self.has_contracts,
            "clients": {name: asdict(client) for name, client in self.clients.items()},
        }
        _write(self.folder / NOTEBOOK, json.dumps(kept))

    def write_environments(self, address: str) -> None:
        """Write a file of `export` lines for each participant.

        Args:
            address: where the bus is.
        """
        for name, client in self.clients.items():
            _write(
                self.find_environment(name), "".join(f"{line}\n" for line in write_exports(address, client)).encode()
            )

    def find_environment(self, participant: str) -> Path:
        """The absolute path of a participant's file of `export` lines."""
        return (self.folder / f"{participant}.env").resolve()


def write_exports(address: str, client: DevClient) -> list[str]:
    """The `export` lines for an app."""
    values: Mapping[str, str] = {
        "BUS_URL": address,
        "BUS_CLIENT_ID": client.client_id,
        "BUS_CLIENT_SECRET": client.client_secret,
        "WEBHOOK_SECRET": client.webhook_secret,
    }
    return [f"export {name}={shlex.quote(value)}" for name, value in values.items()]


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.new")
    partial.write_bytes(content)
    partial.chmod(0o600)
    partial.replace(path)
