"""`bus adapter`: documents are linted with their lines, and a trial hides every secret."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from bus import json, shipped
from tests.cli.a_command import Commands, commands
from tests.declared.a_declared_agency import a_body, a_delivery

SECRETS = ("kunci-rahasia", "sandi-rahasia", "token-rahasia")
AUTH = [
    {"kind": "login", "path": "/masuk", "secrets": {"sandi": "sandi"}},
    {"kind": "api_key", "secret": "kunci", "in": "query", "name": "apikey"},
]


class Agency(BaseHTTPRequestHandler):
    """Gives a token, and repeats what it gets."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        answer = (
            b'{"token": "token-rahasia"}'
            if self.path == "/masuk"
            else b'{"path": "%b", "isi": %b}' % (self.path.encode(), body)
        )
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Agency) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def document(run: Commands) -> Path:
    secrets = {name: {"title": name} for name in ("kunci", "sandi")}
    path = run.folder / "badan.yaml"
    path.write_text(yaml.safe_dump(a_body(a_delivery(), auth=AUTH, secrets=secrets), sort_keys=False))
    return path


def test_the_shipped_documents_have_nothing_to_mend(run: Commands) -> None:
    ran = run("adapter", "lint", *sorted(shipped.ADAPTERS.glob("*.yaml")))
    assert ran.code == 0, ran.out
    assert ran.out.endswith("errors: 0, warnings: 0\n")


def test_what_is_wrong_is_shown_with_its_line(run: Commands, document: Path) -> None:
    document.write_text(document.read_text().replace("json: data", "json: data ("))
    ran = run("adapter", "lint", document)
    line = next(at for at, text in enumerate(document.read_text().splitlines(), 1) if "json: data (" in text)
    assert ran.code == 1
    assert f"{document}:{line}: error: expression: /operations/0/requests/0/body/json" in ran.out


def test_a_trial_shows_the_exchange_and_no_secret(run: Commands, document: Path, address: str) -> None:
    given = ("--set", "kunci=kunci-rahasia", "--set", "sandi=sandi-rahasia", "--against", address)
    ran = run("adapter", "try", document, "--operation", "kirim", "--payload", '{"nama": "Siti"}', *given)
    assert ran.code == 0, ran.err
    assert f"> POST {address}/terima?apikey=[secret]" in ran.out
    assert '> {"nama":"Siti"}' in ran.out
    assert "> authorization: [secret]" in ran.out
    assert '< {"path": "/terima?apikey=[secret]", "isi": {"nama":"Siti"}}' in ran.out
    assert '"outcome": "delivered"' in ran.out
    assert not [secret for secret in SECRETS if secret in ran.out + ran.err]


def test_the_bus_s_own_secrets_are_tried_only_where_they_may_go(
    run: Commands, document: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUNCI", "SANDI"):
        monkeypatch.setenv(f"BUS_ADAPTERS__BADAN__{name}", f"{name.lower()}-rahasia")
        monkeypatch.setenv(f"BUS_ADAPTERS__BADAN__{name}_HOSTS", "badan.example")
    ran = run("adapter", "try", document, "--operation", "kirim", "--payload", "{}", "--against", address)
    assert (ran.code, ran.out) == (1, "")
    assert "_HOSTS: should list 127.0.0.1" in ran.err


def test_a_trial_says_which_settings_are_missing(run: Commands, document: Path) -> None:
    ran = run("adapter", "try", document, "--operation", "kirim")
    assert ran.code == 1
    assert "BUS_ADAPTERS__BADAN__KUNCI: Field required" in ran.err


def test_a_refused_trial_exits_with_one(run: Commands, document: Path, address: str) -> None:
    given = ("--set", "kunci=x1234567", "--set", "sandi=y1234567", "--against", f"{address}")
    payload = run.folder / "isi.json"
    payload.write_bytes(json.dumps({"nik": 9124010101900001}))
    ran = run("adapter", "try", document, "--operation", "kirim", "--payload", f"@{payload}", *given)
    assert (ran.code, '"outcome": "permanent"' in ran.out) == (1, True)


def test_who_applies_a_document_is_told_of_the_secrets_that_it_needs(
    run: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = [{"name": "uji", "url": "https://8.8.8.8/api"}]
    auth = [{"kind": "api_key", "secret": "kunci", "in": "query", "name": "apikey"}]
    path = run.folder / "badan.json"
    path.write_bytes(
        json.dumps(a_body(a_delivery(), auth=auth, secrets={"kunci": {"title": "kunci"}}, servers=servers))
    )
    assert "BUS_ADAPTERS__BADAN__KUNCI, BUS_ADAPTERS__BADAN__KUNCI_HOSTS" in run("adapter", "apply", path).out
    monkeypatch.setenv("BUS_ADAPTERS__BADAN__KUNCI", "rahasia")
    monkeypatch.setenv("BUS_ADAPTERS__BADAN__KUNCI_HOSTS", "8.8.8.8")
    assert run("adapter", "apply", path).out.strip() == "badan 1.0.0: active already"


def test_an_adapter_that_is_off_is_told_so_in_the_list_and_by_itself(
    run: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = [{"kind": "api_key", "secret": "kunci", "in": "query", "name": "apikey"}]
    servers = [{"name": "uji", "url": "https://8.8.8.8/api"}]
    path = run.folder / "badan.json"
    path.write_bytes(
        json.dumps(a_body(a_delivery(), auth=auth, secrets={"kunci": {"title": "kunci"}}, servers=servers))
    )
    assert run("adapter", "apply", path).code == 0
    for command in (["adapter", "list"], ["adapter", "show", "badan"]):
        said = run(*command).out
        assert "off" in said
        assert "BUS_ADAPTERS__BADAN__KUNCI" in said
    monkeypatch.setenv("BUS_ADAPTERS__BADAN__KUNCI", "rahasia")
    monkeypatch.setenv("BUS_ADAPTERS__BADAN__KUNCI_HOSTS", "8.8.8.8")
    (told,) = [json.loads(line) for line in run("adapter", "list", "--json").out.splitlines()]
    assert told["off"] is None
