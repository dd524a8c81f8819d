"""The beginning of an adapter document from an OpenAPI file: it lints as made, and what it cannot say is refused or marked."""

import asyncio
from typing import Any

import pytest

from bus.contracts import Severity, lint_contract, parse_contract
from bus.declared import (
    Beginning,
    Choice,
    Mapper,
    Office,
    OpenApi,
    OpenApiInvalid,
    begin_adapter,
    check_document,
    lint_document,
    read_choice,
)

FILE = b"""
openapi: 3.0.3
servers:
  - {url: "https://{host}/v2", variables: {host: {default: api.pasar.example}}}
security: [{masuk: [baca, tulis]}]
components:
  securitySchemes:
    masuk: {type: oauth2, flows: {clientCredentials: {tokenUrl: /v2/token, scopes: {baca: "", tulis: ""}}}}
    kunci: {type: apiKey, in: query, name: api_key}
    dasar: {type: http, scheme: basic}
    pembawa: {type: http, scheme: bearer}
    kue: {type: apiKey, in: cookie, name: sesi}
  schemas:
    Dasar: {type: object, required: [idPasar], properties: {idPasar: {type: integer, example: 7}}}
    Pasar:
      allOf:
        - {$ref: "#/components/schemas/Dasar"}
        - type: object
          properties:
            namaPasar: {type: string, maxLength: 80}
            "in": {type: string, format: date, nullable: true}
            kios: {type: array, items: {type: object, properties: {lebar: {type: number}}}}
            induk: {$ref: "#/components/schemas/Pasar"}
paths:
  /kabupaten/{kode}/pasar:
    parameters: [{name: kode, in: path, required: true, schema: {type: string, example: "35.24"}}]
    get:
      summary: Daftar pasar
      parameters:
        - {name: offset, in: query, schema: {type: integer}}
        - {name: limit, in: query, schema: {type: integer}}
        - {name: X-Tahun, in: header, required: true, schema: {type: integer, example: 2026}}
      responses:
        200:
          content:
            application/json:
              schema:
                type: object
                properties:
                  hasil: {type: object, properties: {isi: {type: array, items: {$ref: "#/components/schemas/Pasar"}}}}
  /pasar/cari:
    post:
      operationId: cariPasar
      requestBody:
        content:
          application/x-www-form-urlencoded: {schema: {type: object, required: [q], properties: {q: {type: string}}}}
      responses: {2XX: {content: {application/hal+json: {schema: {type: array, items: {$ref: "#/components/schemas/Pasar"}}}}}}
  /pasar/{id-pasar}/harga:
    put:
      parameters: [{name: id-pasar, in: path, required: true, schema: {type: integer}}]
      requestBody: {content: {application/json: {schema: {type: array, items: {type: number}}}}}
      responses: {204: {description: Tersimpan}}
      security: [{kunci: []}]
  /pedagang:
    get:
      responses:
        "200":
          content:
            application/json:
              schema:
                type: array
                items:
                  type: object
                  required: [nama, nik]
                  properties: {nama: {type: string}, nik: {type: string, pattern: "^[0-9]{16}$", minLength: 16}}
      security: [{kue: []}]
  "/pasar lama": {get: {responses: {"200": {description: ok}}}}
  /luar: {get: {responses: {"200": {content: {application/json: {schema: {$ref: "lain.yaml#/X"}}}}}}}
  /putar: {get: {responses: {"200": {$ref: "#/paths/~1putar/get/responses/200"}}}}
"""
OFFICE = Office("pasar", "Dinas Pasar", "dinas-kominfo")
LIST, SEARCH = "GET /kabupaten/{kode}/pasar poll", "POST /pasar/cari query"
PRICE, TRADERS = "PUT /pasar/{id-pasar}/harga", "GET /pedagang"


def begin(*chosen: str, text: bytes = FILE) -> Beginning:
    return begin_adapter(OFFICE, OpenApi(text), [read_choice(one) for one in chosen])


def lint(begun: Beginning) -> list[tuple[str, str, str]]:
    """Code, place and message of each finding of the document."""
    contracts = {one["contract"]: parse_contract(one) for one in begun.contracts.values()}

    async def run() -> list[tuple[str, str, str]]:
        mapper = Mapper("uji", explain=True)
        try:
            found = await lint_document(check_document(begun.document), contracts.get, mapper)
        finally:
            await mapper.close()
        return [(one.code, one.pointer, one.message) for one in found]

    return asyncio.run(run())


def test_every_kind_of_operation_lints_as_made_with_marks_alone() -> None:
    begun = begin(LIST, SEARCH, PRICE, TRADERS)
    found = lint(begun)
    marked = ["/description", "/operations/1/title", "/operations/2/title", "/operations/3/title"]
    assert [(code, at) for code, at, _ in found] == [("todo", at) for at in marked], found
    wrong = [one for contract in begun.contracts.values() for one in lint_contract(parse_contract(contract))]
    assert [one for one in wrong if one.severity is Severity.ERROR] == []


def test_a_list_becomes_a_poll_with_the_operators_settings_and_pages() -> None:
    begun = begin(LIST)
    (poll,) = begun.document["operations"]
    assert (poll["does"], poll["rows"], poll["key"]) == ("poll", "hasil.isi", "$string(idPasar)")
    assert poll["request"]["query"] == {"offset": "$offset", "limit": "$limit"}
    assert poll["paging"] == {"kind": "offset", "limit": 100}
    assert {name: one["default"] for name, one in begun.document["settings"].items()} == {
        "kode": "35.24",
        "x_tahun": "2026",
    }
    (contract,) = begun.contracts.values()
    assert (contract["kind"], contract["key"], contract["schema"]["required"]) == ("record", "/id_pasar", ["id_pasar"])
    assert poll["examples"][0]["result"][0]["key"] == "7"
    assert set(poll["fields"]) == {"/id_pasar", "/nama_pasar", "/in", "/kios"}


def test_the_account_is_that_of_the_chosen_operations() -> None:
    document = begin(LIST, PRICE).document
    assert document["servers"] == [{"name": "produksi", "url": "https://api.pasar.example/v2"}]
    assert document["auth"] == [
        {"kind": "oauth2", "token_path": "/token", "client_id": "client_id", "client_secret": "client_secret"}
        | {"scope": "baca tulis"},
        {"kind": "api_key", "secret": "kunci_2", "in": "query", "name": "api_key"},
    ]


@pytest.mark.parametrize(
    ("scheme", "entry"),
    [
        (b"dasar", {"kind": "basic", "user": "pengguna", "password": "sandi"}),
        (
            b"pembawa",
            {"kind": "api_key", "secret": "token", "in": "header", "name": "Authorization", "scheme": "Bearer"},
        ),
    ],
)
def test_an_account_over_http_becomes_auth(scheme: bytes, entry: dict[str, str]) -> None:
    begun = begin(PRICE, text=FILE.replace(b"[{kunci: []}]", b"[{" + scheme + b": []}]"))
    assert begun.document["auth"] == [entry]


def test_a_scheme_that_the_bus_does_not_know_is_named_in_the_mark() -> None:
    begun = begin(TRADERS)
    assert "auth" not in begun.document
    assert "tulis auth untuk kue" in begun.document["description"]


def test_data_about_persons_are_personal_and_granted_to_nobody() -> None:
    begun = begin(TRADERS)
    (contract,) = begun.contracts.values()
    assert (contract["classification"], contract["subject"], contract["consumers"]) == ("personal", "/nik", [])
    (operation,) = begun.document["operations"]
    assert (operation["least"], operation["person"]) == ("personal", "/nik")


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ("GET /luar", "leads out of the file"),
        ("GET /putar", "leads to itself"),
        ("GET /tidak/ada", "no operation GET /tidak/ada"),
        ("PUT /pasar/{id-pasar}/harga poll", "has no list"),
    ],
)
def test_what_the_file_cannot_say_is_refused(chosen: str, said: str) -> None:
    with pytest.raises(OpenApiInvalid, match=said):
        begin(chosen)


def test_what_no_document_can_say_is_refused_with_its_place() -> None:
    api = OpenApi(FILE)
    with pytest.raises(OpenApiInvalid, match="/operations/0/requests/0/path"):
        begin_adapter(OFFICE, api, [Choice("GET", "/pasar lama")])


@pytest.mark.parametrize(
    "schema",
    [
        "{type: file}",
        "{type: integer, minimum: 0.5}",
        "{type: integer, maximum: -3, example: tiga}",
        "{type: string, minLength: 9, maxLength: 3}",
        "{type: [string, 'null'], enum: [satu, null]}",
        "{type: array, items: true}",
        "{enum: [1, 2]}",
        "{}",
    ],
)
def test_a_schema_that_few_files_have_lints_as_made_too(schema: str) -> None:
    text = (
        "openapi: 3.1.0\npaths: {/a: {post: {summary: Kirim, requestBody: {content: {application/json: "
        f"{{schema: {{type: object, properties: {{nilai: {schema}}}}}}}}}}}, responses: {{'200': {{}}}}}}}}}}"
    )
    begun = begin("POST /a", text=text.encode())
    assert [code for code, _, _ in lint(begun)] == ["todo"]
    (contract,) = begun.contracts.values()
    assert [one for one in lint_contract(parse_contract(contract)) if one.severity is Severity.ERROR] == []


def test_references_that_mean_more_than_any_api_needs_are_refused() -> None:
    schemas = ", ".join(
        f"A{level}: {{type: object, properties: {{a: {{$ref: '#/components/schemas/A{level + 1}'}}, "
        f"b: {{$ref: '#/components/schemas/A{level + 1}'}}, c: {{$ref: '#/components/schemas/A{level + 1}'}}, "
        f"d: {{$ref: '#/components/schemas/A{level + 1}'}}}}}}"
        for level in range(9)
    )
    text = (
        f"openapi: 3.0.0\ncomponents: {{schemas: {{{schemas}}}}}\n"
        "paths: {/a: {get: {responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/A0'}}}}}}}}"
    )
    with pytest.raises(OpenApiInvalid, match="choose fewer"):
        begin("GET /a", text=text.encode())


@pytest.mark.parametrize("text", [b"swagger: '2.0'", b"[]", b"{", b"openapi: 4.0.0"])
def test_another_file_is_no_openapi(text: bytes) -> None:
    with pytest.raises(OpenApiInvalid):
        OpenApi(text)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("get /a", Choice("GET", "/a")),
        ("POST /a query", Choice("POST", "/a", "query")),
        ("/a", None),
        ("GET /a hapus", None),
    ],
)
def test_a_choice_is_a_method_and_a_path(text: str, choice: Any) -> None:
    if choice is not None:
        assert read_choice(text) == choice
        return
    with pytest.raises(OpenApiInvalid, match="METHOD /path"):
        read_choice(text)
