"""The wheel alone, installed elsewhere: it holds everything, and takes nothing from the folder where it is called."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from samples.port import free_port
from tests.services.waiting import until

ROOT = Path(__file__).parents[2]
DECOYS = ("adapters", "bus", "contracts", "samples", "schemas", "shipped_data")
CONTRACTS = [path for path in (ROOT / "contracts").rglob("*.yaml") if path.parent.name != "adapter"]
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(*_PIP, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def bus(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `bus` in an environment with the wheel; the other libraries are this environment's."""
    folder = tmp_path_factory.mktemp("installed")
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = folder / "bin" / "python"
    _run(*_PIP, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    told = _run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    # A line in a `.pth` file is a path alone: the checkout, which this environment names in one of its own, stays out.
    (Path(told.strip()) / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "bus"


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory whose folders bear the names of the bus's packages, and leave a trace when one is imported."""
    for name in DECOYS:
        folder = tmp_path / name
        folder.mkdir()
        for module in ("__init__.py", "__main__.py", "cli.py"):
            (folder / module).write_text(
                f"open({str(tmp_path / 'trace')!r}, 'a').write(__name__)\nraise SystemExit(99)"
            )
        (folder / "palsu.yaml").write_text("contract: uji.palsu\n")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("BUS_", "PYTHON"))]:
        monkeypatch.delenv(name)
    return tmp_path


def test_the_wheel_holds_every_contract_schema_and_table(wheel: Path) -> None:
    wanted = {f"bus/shipped_data/{path.relative_to(ROOT)}" for path in _data_files("contracts", "schemas")}
    wanted |= {str(path.relative_to(ROOT)) for path in _data_files("bus", "adapters", "samples")}
    assert wanted <= set(ZipFile(wheel).namelist())


def test_the_wheel_holds_no_package_but_the_product_s(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"adapters", "bus", "samples"}


def test_shipped_contracts_come_into_force_wherever_the_command_is_called(bus: Path, hostile: Path) -> None:
    _run(str(bus), "init", "--data", "data")
    assert "errors: 0" in _run(str(bus), "contract", "lint", "--shipped")
    _run(str(bus), "contract", "apply", "--grants-seen", "--shipped", "--data", "data")
    rows = [json.loads(line) for line in _run(str(bus), "contract", "list", "--json", "--data", "data").splitlines()]
    assert [row["state"] for row in rows] == ["active"] * len(CONTRACTS)
    assert "nothing to do" in _run(str(bus), "contract", "apply", "--grants-seen", "--shipped", "--data", "data")
    assert not (hostile / "trace").exists()


def test_processes_of_the_installed_bus_take_no_code_from_the_working_directory(bus: Path, hostile: Path) -> None:
    admin = json.loads(_run(str(bus), "init", "--data", "data"))
    _run(str(bus), "contract", "apply", "--grants-seen", "--shipped", "--data", "data")
    with _serving(bus) as address:
        grant = {"grant_type": "client_credentials"}
        token = httpx.post(
            f"{address}/oauth/token", data=grant, auth=(admin["client_id"], admin["client_secret"])
        ).json()
        headers = {"authorization": f"Bearer {token['access_token']}"}
        # A worker process checks the document.
        checked = httpx.post(f"{address}/v1/contracts/check", content=b"{}", headers=headers, timeout=60)
        assert checked.status_code == 200, checked.text
    assert not (hostile / "trace").exists()


@contextmanager
def _serving(bus: Path) -> Iterator[str]:
    """The address of a bus in two processes, which stops when asked."""
    port = free_port()
    process = subprocess.Popen([bus, "serve", "--data", "data", "--port", str(port), "--workers", "2"])
    try:
        until(lambda: process.poll() is not None or _is_ready(port), 60)
        assert process.poll() is None
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    assert code == 0


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").is_success
    except httpx.TransportError:
        return False


def _data_files(*folders: str) -> Iterator[Path]:
    """The files in folders that are not code. Not those of `samples/apps`, where npm and Composer install libraries."""
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc") and ROOT / "samples" / "apps" not in path.parents:
                yield path


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
