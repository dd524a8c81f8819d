"""The clients in three languages, built as packages and driven from tests by one protocol."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "clients"
DRIVERS = Path(__file__).parent / "drivers"
LANGUAGES = ("python", "python-async", "php", "javascript")


@dataclass(frozen=True, slots=True)
class Installed:
    """A client that was installed from its package.

    Attributes:
        program: what runs a program of the language, such as `php`, with its arguments.
        folder: where programs find the package.
        package: the wheel, tarball or zip.
    """

    program: tuple[str, ...]
    folder: Path
    package: Path
    environment: Mapping[str, str]
    driver: str

    def command(self) -> list[str]:
        """The command that starts the driver."""
        file, *arguments = self.driver.split()
        return [*self.program, str(shutil.copy(DRIVERS / file, self.folder)), *arguments]


class Client:
    """A client in a process of its own, which does step after step. A test with an event loop calls it in a thread."""

    def __init__(self, installed: Installed, *, ignore_signals: bool = False) -> None:
        """`ignore_signals`: the process inherits which signals are ignored; Python ignores that of a file too large."""
        self.process = subprocess.Popen(
            installed.command(),
            env=os.environ | dict(installed.environment),
            cwd=installed.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            restore_signals=not ignore_signals,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def do(self, **step: Any) -> Any:
        """The result of one step, as JSON."""
        result, _ = self.do_with_pauses(step)
        return result

    def do_with_pauses(self, step: Mapping[str, Any]) -> tuple[Any, list[float]]:
        """The result of one step, and the pauses that it wanted. It takes none of them."""
        self.tell(step)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the driver ended"
        answer = json.loads(line)
        return answer["result"], answer["pauses"]

    def tell(self, step: Mapping[str, Any]) -> None:
        """Start a step, and do not wait for its end."""
        assert self.process.stdin is not None
        print(json.dumps(step), file=self.process.stdin, flush=True)


def install(language: str, folder: Path) -> Installed:
    """Build a client's package and install it into a folder."""
    match language:
        case "python" | "python-async":
            return install_python(folder, language)
        case "php":
            return install_php(folder)
        case _:
            return install_javascript(folder)


def install_python(folder: Path, language: str) -> Installed:
    """The wheel, in a folder of its own beside the libraries of this environment."""
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    build = _copy(CLIENTS / "python", folder / "build")
    _run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, build)
    (package,) = folder.glob("*.whl")
    _run(*pip, "install", "--no-deps", "--no-index", "--target", folder / "site", package)
    driver = "driver.py --async" if language == "python-async" else "driver.py"
    return Installed((sys.executable,), folder, package, {"PYTHONPATH": str(folder / "site")}, driver)


def install_php(folder: Path) -> Installed:
    """The zip, through Composer."""
    require_programs("php", "composer")
    build = _copy(CLIENTS / "php", folder / "build")
    environment = {
        "COMPOSER_ALLOW_SUPERUSER": "1",
        "COMPOSER_HOME": str(folder / "composer"),
        "COMPOSER_NO_INTERACTION": "1",
    }
    _run("composer", "archive", "--format=zip", f"--dir={folder / 'packages'}", cwd=build, **environment)
    (package,) = (folder / "packages").glob("*.zip")
    project = {
        "repositories": [{"type": "artifact", "url": "packages"}, {"packagist": False}],
        "require": {"lamongan/bus-client": "*"},
    }
    (folder / "composer.json").write_text(json.dumps(project))
    _run("composer", "install", "--quiet", "--no-progress", cwd=folder, **environment)
    return Installed(("php",), folder, package, {}, "driver.php")


def install_javascript(folder: Path) -> Installed:
    """The tarball, through npm."""
    require_programs("node", "npm")
    _run("npm", "pack", "--silent", "--pack-destination", folder, cwd=CLIENTS / "javascript")
    (package,) = folder.glob("*.tgz")
    (folder / "package.json").write_text(json.dumps({"name": "app", "private": True, "type": "module"}))
    _run("npm", "install", "--silent", "--offline", "--no-audit", "--no-fund", package, cwd=folder)
    return Installed(("node",), folder, package, {}, "driver.mjs")


def require_programs(*programs: str) -> None:
    """Skip the test if a program is missing; with CI=true fail."""
    for program in programs:
        if shutil.which(program) is None:
            if os.environ.get("CI") != "true":
                pytest.skip(f"{program} is missing")
            pytest.fail(f"{program} is missing")


def _copy(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__")))


def _run(*command: str | Path, cwd: Path | None = None, **environment: str) -> None:
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
