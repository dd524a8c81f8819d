"""The guide for developers of apps, run as it is written: its programs, its lines for a shell, and each output."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from samples.port import free_port
from tests.a_dev_bus import a_dev_bus, strange_environment
from tests.cli.a_command import commands
from tests.clients.a_client import require_programs
from tests.samples.demo import ROOT
from tests.services.waiting import until

GUIDE = (ROOT / "docs" / "apps.md").read_text()
FOR_AGENCIES = (ROOT / "docs" / "agencies.md").read_text()
APPS = ROOT / "samples" / "apps"
LANGUAGES = {"python": ("python", "py"), "javascript": ("js", "js"), "php": ("php", "php")}
NEEDS = {"python": (), "javascript": ("node", "npm"), "php": ("php", "composer")}


def shell_blocks(section: int) -> list[str]:
    """The lines for a shell in a section of the guide, block by block."""
    text = GUIDE.partition(f"\n## {section}. ")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


START, ENTER, PUBLISH, PULL, RECEIVE, FORWARD = shell_blocks(1)
CLIENT, KEY_CLIENT, TOKEN = shell_blocks(2)
FEED, SUBSCRIBE, TAKE = shell_blocks(5)
(COPY, *_) = re.findall(r"```sh\n(.*?)```", FOR_AGENCIES, re.DOTALL)


def line_of(block: str, language: str) -> str:
    (line,) = [line for line in block.splitlines() if f"samples/apps/{language}" in line]
    return line


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout in which somebody follows the guide, beside a running `bus dev`."""

    folder: Path

    def run(self, *lines: str, code: int = 0) -> str:
        """What lines print in a terminal that has read the office's file."""
        done = subprocess.run(
            ["bash", "-ec", "\n".join([ENTER, *lines])],
            cwd=self.folder,
            env=strange_environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def running(self, *lines: str, enters: bool = True) -> Iterator[Path]:
        """Where a line that goes on until it is ended writes what it prints.

        Args:
            enters: the terminal has read the office's file.
        """
        output = self.folder / f"output-{len(list(self.folder.iterdir()))}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-ec", "\n".join([*([ENTER] if enters else []), *lines])],
                cwd=self.folder,
                env=strange_environment(),
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        try:
            yield output
        finally:
            subprocess.run(["kill", "-INT", "--", f"-{process.pid}"], check=False)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                subprocess.run(["kill", "-KILL", "--", f"-{process.pid}"], check=False)
                process.wait(10)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    folder = tmp_path_factory.mktemp("checkout")
    unwanted = shutil.ignore_patterns("node_modules", "vendor", "__pycache__", "*.cursor")
    for part in ("clients", "samples/apps"):
        shutil.copytree(ROOT / part, folder / part, ignore=unwanted)
    (folder / ".venv").symlink_to(sys.prefix)
    assert [line.partition("#")[0].strip() for line in START.splitlines()] == [
        "make setup",
        ". .venv/bin/activate",
        "bus dev",
    ]
    with a_dev_bus(tmp_path_factory.mktemp("dev")) as dev:
        (folder / ".bus-dev").symlink_to(dev.folder)
        yield Checkout(folder)


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    require_programs(*NEEDS[name])
    return name


def test_an_app_says_what_it_did(checkout: Checkout, language: str) -> None:
    assert re.search(r"^published: position \d+$", checkout.run(line_of(PUBLISH, language)), re.MULTILINE)
    first = checkout.run(line_of(PULL, language))
    assert "dinas-kominfo.konsultasi" in first
    assert "pulled: 0 events" not in first
    assert checkout.run(line_of(PULL, language)).strip() == "pulled: 0 events"
    assert "not published" in checkout.run("BUS_CLIENT_SECRET=x", line_of(PUBLISH, language), code=1)


@pytest.mark.parametrize("program", ["publish", "pull", "mirror", "handle"])
def test_an_app_without_its_variables_names_one_in_a_sentence(checkout: Checkout, language: str, program: str) -> None:
    line = line_of(PULL, language).replace("pull.", f"{program}.")
    failed = subprocess.run(["bash", "-c", line], cwd=checkout.folder, env=strange_environment(), capture_output=True)
    assert failed.returncode == 1
    assert re.fullmatch(rb"Set '?BUS_URL[^\n]* first\.\n", failed.stderr), failed.stderr


def test_a_webhook_shows_what_comes_once(checkout: Checkout, language: str) -> None:
    port = free_port()
    receive, order, forward = (
        text.replace("9000", str(port)) for text in (line_of(RECEIVE, language), shell_blocks(4)[0], FORWARD)
    )
    checkout.run(line_of(PUBLISH, language))
    if language == "python":
        with checkout.running(f"export PORT={port}", receive) as received, checkout.running(forward) as listened:
            until(lambda: "received: layanan.katalog dinas-kominfo.konsultasi" in received.read_text(), 60)
            until(lambda: "-> 204" in listened.read_text())
        assert "took the subscription away" in listened.read_text()
        return
    secret = json.loads(checkout.run(TOKEN, order))["secret"]
    with checkout.running(f"export PORT={port} WEBHOOK_SECRET={secret}", receive) as received:
        until(lambda: "received: layanan.katalog dinas-kominfo.konsultasi" in received.read_text(), 60)
        assert (
            checkout.run(f"curl -s -o /dev/null -w '%{{http_code}}' -d '{{}}' http://127.0.0.1:{port}/webhook") == "401"
        )
        until(lambda: "refused" in received.read_text())


def test_the_lines_for_curl_work(checkout: Checkout) -> None:
    publish, batch, look = shell_blocks(3)
    assert json.loads(checkout.run(TOKEN, publish)).keys() == {"position", "duplicate"}
    assert json.loads(checkout.run(TOKEN, batch))["accepted"] == 2
    validated, _, schema = checkout.run(TOKEN, look.replace("\ncurl", "\necho; curl")).partition("\n")
    assert json.loads(validated)["valid"] is False
    assert "kode_layanan" in json.loads(schema)["properties"]
    assert json.loads(checkout.run(TOKEN, FEED))["events"]


def test_the_lines_for_curl_take_a_whole_copy(checkout: Checkout) -> None:
    checkout.run(line_of(PUBLISH, "python"))
    output = checkout.run(TOKEN, COPY)
    trailer, _, changes = output.partition("\n")
    lines = (checkout.folder / "katalog.ndjson").read_text().splitlines()
    assert json.loads(trailer)["count"] == len(lines) - 1 > 0
    assert json.loads(changes)["records"] == []


def test_the_lines_for_curl_pull_and_acknowledge(checkout: Checkout) -> None:
    checkout.run(line_of(PUBLISH, "python"))
    (result,) = json.loads(checkout.run(TOKEN, SUBSCRIBE, TAKE))["results"]
    assert (result["result"], result["deliveries"]) == ("acknowledged", 1)


def test_an_app_keeps_a_copy(checkout: Checkout, language: str) -> None:
    checkout.run(line_of(PUBLISH, language))
    copy = line_of(PULL, language).replace("pull.", "mirror.")
    folder = checkout.folder if language == "python" else checkout.folder / "samples" / "apps" / language
    assert re.search(r"^copied: [1-9]\d* records$", checkout.run(copy), re.MULTILINE)
    assert json.loads((folder / "copy" / "dinas-kominfo.konsultasi.json").read_text())["opd"] == "dinas-kominfo"
    assert checkout.run(copy).strip() == "copied: 0 records"


def test_an_app_handles_what_it_pulls_once(checkout: Checkout, language: str) -> None:
    checkout.run(line_of(PUBLISH, language))
    named = f"export BUS_SUBSCRIPTION={checkout.run(TOKEN, SUBSCRIBE, 'echo $BUS_SUBSCRIPTION').strip()}"
    handle = line_of(PULL, language).replace("pull.", "handle.")
    printed: list[str] = []

    def handles(count: str) -> bool:
        printed.append(checkout.run(named, handle))
        return re.search(rf"^handled: {count} events$", printed[-1], re.MULTILINE) is not None

    until(lambda: handles("[1-9][0-9]*"), 60)
    until(lambda: handles("0"), 60)
    subjects = re.findall(r"^([0-9]{20}) dinas-kominfo", "".join(printed), re.MULTILINE)
    assert len(set(subjects)) == len(subjects) > 0


@pytest.mark.parametrize("stem", ["publish", "receive", "pull", "handle", "mirror"])
@pytest.mark.parametrize("name", LANGUAGES)
def test_the_guide_shows_each_program_as_it_is(name: str, stem: str) -> None:
    fence, ending = LANGUAGES[name]
    guide = FOR_AGENCIES if stem == "mirror" else GUIDE
    assert f"```{fence}\n{(APPS / name / f'{stem}.{ending}').read_text()}```\n" in guide


def test_the_operators_lines_make_the_guides_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    (tmp_path / "portal.jwks.json").write_text(json.dumps({"keys": [key]}))
    monkeypatch.chdir(tmp_path)
    with commands(tmp_path, monkeypatch, capsys) as bus:
        for line in f"{CLIENT}{KEY_CLIENT}".splitlines():
            ran = bus(*shlex.split(line)[1:])
            assert ran.code == 0, ran.err
        assert "contracts.read" in bus("client", "list", "dinas-kominfo").out
