"""What the packages promise: their types, their floors, and that they hold what they need and nothing else."""

import json
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.a_client import CLIENTS, Client, Installed, require_programs

PROGRAMS = Path(__file__).parent / "programs"
Installer = Callable[[str], Installed]


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def find_newer(*files: Path) -> list[str]:
    """What in PHP files is newer than PHP 8.1."""
    require_programs("php")
    done = run("php", PROGRAMS / "floor.php", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_php_client_needs_nothing_newer_than_php_8_1() -> None:
    sample = CLIENTS.parent / "samples" / "opensid" / "opensid.php"
    assert find_newer(sample, *sorted((CLIENTS / "php" / "src").glob("*.php"))) == []


def test_what_is_newer_than_php_8_1_is_found() -> None:
    found = {line.partition(": ")[2] for line in find_newer(PROGRAMS / "newer.php")}
    assert found == {
        "readonly class",
        "type true",
        "json_validate",
        "type null",
        "type of PHP 8.2",
        "constant in a trait",
    }


def test_typescript_accepts_a_program_that_uses_every_name(installer: Installer) -> None:
    require_programs("tsc")
    folder = installer("javascript").folder
    program = shutil.copy(PROGRAMS / "app.ts", folder)
    checks = ("--strict", "--noEmit", "--module", "node16", "--moduleResolution", "node16", "--target", "es2022")
    done = run("tsc", *checks, program, cwd=folder)
    assert done.returncode == 0, done.stdout


def test_the_types_name_what_the_modules_export(installer: Installer) -> None:
    folder = installer("javascript").folder
    source = folder / "node_modules" / "bus-lamongan-client" / "src"
    for module in ("index", "spool", "webhook"):
        declared = re.findall(
            r"^export (?:class|function) (\w+)", (source / f"{module}.d.ts").read_text(), re.MULTILINE
        )
        script = f"import * as all from '{source / module}.js'; console.log(JSON.stringify(Object.keys(all)))"
        done = run("node", "--input-type=module", "--eval", script)
        assert sorted(json.loads(done.stdout)) == sorted(declared)


def test_a_browser_loads_the_javascript_client_without_node() -> None:
    seen, queue = set[Path](), [CLIENTS / "javascript" / "src" / "index.js"]
    while queue:
        module = queue.pop()
        seen.add(module)
        imported = re.findall(r'^(?:import|export)\b[^;]*?from "([^"]+)"', module.read_text(), re.MULTILINE)
        assert all(name.startswith("./") for name in imported), module
        queue += {module.parent / name for name in imported} - seen
    assert {path.stem for path in seen} == {
        "index",
        "bus",
        "answers",
        "errors",
        "events",
        "pulls",
        "sha256",
        "snapshot",
    }


def test_the_javascript_client_hashes_as_node_does(installer: Installer) -> None:
    source = installer("javascript").folder / "node_modules" / "bus-lamongan-client" / "src"
    script = f"""
        import {{ createHash, randomBytes }} from "node:crypto";
        import {{ Sha256 }} from "{source / "sha256.js"}";
        for (const length of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 99_991]) {{
          const [bytes, hash] = [randomBytes(length), new Sha256()];
          for (let start = 0; start < length; start += 37) hash.update(bytes.subarray(start, start + 37));
          if (hash.finish() !== createHash("sha256").update(bytes).digest("hex")) throw new Error(String(length));
        }}
    """
    done = run("node", "--input-type=module", "--eval", script)
    assert done.returncode == 0, done.stderr


def test_the_javascript_client_has_no_dependencies() -> None:
    manifest = json.loads((CLIENTS / "javascript" / "package.json").read_text())
    assert not {"dependencies", "peerDependencies", "optionalDependencies"} & manifest.keys()


@pytest.mark.parametrize("language", ["python", "php", "javascript"])
def test_a_package_holds_its_source_and_no_tests(installer: Installer, language: str) -> None:
    package = installer(language).package
    if package.suffix == ".tgz":
        with tarfile.open(package) as archive:
            names = archive.getnames()
    else:
        with zipfile.ZipFile(package) as archive:
            names = archive.namelist()
    source = {"python": "bus_lamongan_client/spool.py", "php": "src/Spool.php", "javascript": "package/src/spool.js"}
    assert source[language] in names
    assert not [name for name in names if "test" in name or "cases" in name]


def test_a_type_checker_sees_the_types_of_the_python_client(installer: Installer) -> None:
    site = installer("python").folder / "site" / "bus_lamongan_client"
    assert (site / "py.typed").exists()


@pytest.mark.parametrize("language", ["python", "php", "javascript"])
def test_nobody_else_reads_the_spool(installer: Installer, language: str, tmp_path: Path) -> None:
    place = tmp_path / "spool"
    with Client(installer(language)) as client:
        client.do(op="open", url="http://127.0.0.1:9", id="i", secret="s", source="/uji", spool=str(place), options={})
        client.do(op="spool.publish", event={"type": "a.b", "data": {}})
        files = [place, *tmp_path.glob("spool-*"), *(place.iterdir() if place.is_dir() else ())]
        assert not [path.name for path in files if path.stat().st_mode & 0o077]
