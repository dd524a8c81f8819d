"""Command line tools of Python that tests call, in an environment of their own: their libraries are not the bus's."""

import os
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import pytest

_SECONDS = 150
_LOCK = "requirements.lock"


def install(config: pytest.Config, folder: Path) -> Path:
    """The folder of the commands that the lock of `folder` brings; skips where the registry is missing.

    With `CI=true` nothing is skipped: the test fails.

    Args:
        folder: has `requirements.lock`, with hashes.
    """
    assert config.cache is not None
    digest = blake2b((folder / _LOCK).read_bytes() + sys.version.encode(), digest_size=8).hexdigest()
    installed = config.cache.mkdir(f"python-{folder.name}-{digest}")
    done = installed / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", installed], check=True, timeout=_SECONDS)
        command = [
            installed / "bin/python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "-r",
            folder / _LOCK,
        ]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if ended.returncode:
            return _give_up(f"pip install did not succeed: {ended.stderr[-500:]}")
        done.touch()
    return installed / "bin"


def _give_up(reason: str) -> Path:
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    raise AssertionError(reason)
