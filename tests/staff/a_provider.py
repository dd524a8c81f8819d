"""An identity provider in a process of its own: oauth2-mock-server, run by node."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.a_node_package import install

FOLDER = Path(__file__).parent / "provider"


@dataclass
class ProviderProcess:
    """The provider.

    Attributes:
        issuer: its address.
    """

    issuer: str
    process: "subprocess.Popen[str]"

    def tell(self, **claims: Any) -> None:
        """Give the next tokens these claims."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(claims) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ok\n"

    def sign_in(self, address: str) -> str:
        """Where the provider leads a browser back to that comes to its authorization endpoint."""
        answer = httpx.get(address, follow_redirects=False, trust_env=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]


@contextmanager
def run_provider(config: pytest.Config) -> Iterator[ProviderProcess]:
    """A provider that runs; skips where npm is missing."""
    command = ["node", str(install(config, FOLDER) / "server.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield ProviderProcess(process.stdout.readline().strip(), process)
        finally:
            process.kill()
