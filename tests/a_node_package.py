"""Node libraries that tests call: installed from a folder's lock, once for each lock."""

import fcntl
import os
import shutil
import subprocess
from hashlib import blake2b
from pathlib import Path

import pytest

_SECONDS = 150
_LOCKED = ("package.json", "package-lock.json")


def install(config: pytest.Config, folder: Path) -> Path:
    """A folder with the scripts of `folder` and the libraries of its lock; skips where npm or its registry is missing.

    With `CI=true` nothing is skipped: the test fails.

    Args:
        folder: has `package.json`, `package-lock.json` and scripts `*.mjs`.
    """
    if shutil.which("npm") is None:
        return _give_up("npm is missing; install nodejs and npm")
    assert config.cache is not None
    sources = [folder / name for name in _LOCKED] + sorted(folder.glob("*.mjs"))
    digest = blake2b(b"".join(path.read_bytes() for path in sources), digest_size=8).hexdigest()
    installed = config.cache.mkdir(f"node-{folder.name}-{digest}")
    done = installed / "installed"
    with (installed / "lock").open("w") as lock:
        # Another process of the same run may install the same: `npm ci` begins with deleting what is there.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            for path in sources:
                shutil.copy(path, installed)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            ended = subprocess.run(
                command, cwd=installed, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
            if ended.returncode:
                return _give_up(f"npm ci did not succeed: {ended.stderr[-500:]}")
            done.touch()
    return installed


def _give_up(reason: str) -> Path:
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    raise AssertionError(reason)
