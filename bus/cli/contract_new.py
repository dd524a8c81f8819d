"""`bus contract new`: writes a first document, from questions or from an example payload."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bus import json
from bus.cli.contract_files import DocumentsRefused, write_finding
from bus.cli.terminal import say
from bus.contracts import (
    Classification,
    Kind,
    infer_schema,
    lint_contract,
    names_person,
    parse_contract,
    read_yaml,
    sketch_schema,
    write_yaml,
)

_HEADER: Final = b"# yaml-language-server: $schema=../../schemas/contract.schema.json\n"


_SHARED: Final = {
    "nik": "nik.schema.json",
    "nomor_kk": "nomor-kk.schema.json",
    "no_kk": "nomor-kk.schema.json",
    "kode_wilayah": "wilayah.schema.json",
}
"""Shared definitions in schemas/common, by the names of the properties that they are for."""
_SHARED_DATE: Final = "tanggal.schema.json#/$defs/tanggal"


@dataclass(frozen=True, slots=True)
class _Form:
    """The form of an answer, and how to say it."""

    pattern: re.Pattern[str]
    text: str


_NAME: Final = _Form(re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*"), "a domain and a noun, such as perizinan.izin")
_PARTICIPANT: Final = _Form(re.compile("[a-z][a-z0-9-]{1,62}"), "a participant's name, such as dinkes")
_TITLE: Final = _Form(re.compile(r".*\S.*"), "one line of text")


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The schemas and examples of a new document.

    Attributes:
        schemas: `schema`; of a query `request` and `answer`, in this order.
        examples: payloads for the document's `examples`.
    """

    schemas: dict[str, dict[str, Any]]
    examples: list[Any]

    @property
    def sent(self) -> dict[str, Any]:
        """The schema of the data that a participant sends: the `schema`, or a query's `request`."""
        return next(iter(self.schemas.values()))


def new_document(
    example: Annotated[
        Path | None,
        typer.Option("--from", help="a payload, or a list of payloads; of a query {request, answer}", exists=True),
    ] = None,
    name: Annotated[str | None, typer.Option(help="such as kependudukan.penduduk; absent: the command asks")] = None,
    kind: Annotated[Kind | None, typer.Option(help="absent: the command asks")] = None,
    owner: Annotated[str | None, typer.Option(help="the participant that answers for the data")] = None,
    title: Annotated[str | None, typer.Option(help="the data in one line")] = None,
    classification: Annotated[Classification | None, typer.Option(help="absent: the command asks")] = None,
    key: Annotated[str | None, typer.Option(help="JSON Pointer of a record's key")] = None,
    subject: Annotated[
        str | None, typer.Option(help="JSON Pointer of the person's number; absent: /nik, if it is required")
    ] = None,
    fields: Annotated[str | None, typer.Option(help="fields of the data, separated by commas, without --from")] = None,
    request_fields: Annotated[str | None, typer.Option(help="of a query: fields of the question")] = None,
    answer_fields: Annotated[str | None, typer.Option(help="of a query: fields of the answer")] = None,
    output: Annotated[
        Path | None, typer.Option(help="file for the document; absent: standard output", dir_okay=False)
    ] = None,
) -> None:
    """Write a first contract document. The command asks for absent options, and checks each answer when it is given.

    A text in <…> is for you to write; lint finds it.

    Example: bus contract new --from izin.json --name perizinan.izin --output contracts/perizinan/izin.yaml
    """
    name = _settle(name, "Name, <domain>.<noun>", _NAME)
    kind = kind or Kind(_ask("Kind", Kind.EVENT.value, [one.value for one in Kind]))
    title = _settle(title, "Title, the data in one line", _TITLE)
    owner = _settle(owner, "Owner, the participant that answers for the data", _PARTICIPANT)
    given = {"request": request_fields, "answer": answer_fields} if kind is Kind.QUERY else {"schema": fields}
    begun = _read_example(example, kind) if example else _ask_fields(kind, given)
    levels = [one.value for one in Classification]
    classification = classification or Classification(_ask("Classification", _guess_classification(begun), levels))
    document = {
        "contract": name,
        "version": "1.0.0",
        "kind": kind.value,
        "title": title,
        "description": "<apa isi data ini, dari mana, dan batasnya>",
        "owner": owner,
        "classification": classification.value,
        **_find_places(kind, classification, begun, key, subject),
        **begun.schemas,
        "compatibility": "backward",
        "producers": [owner],
        "consumers": [],
        **_choose_examples(begun, classification),
    }
    findings = lint_contract(parse_contract(document))
    _write(_refer(document, output) if output else document, output)
    for finding in findings:
        say(write_finding(finding), err=True)


def _settle(given: str | None, question: str, form: _Form) -> str:
    """The option, or an answer in the form.

    Raises:
        typer.BadParameter: the option has another form.
    """
    if given is not None and not form.pattern.fullmatch(given):
        raise typer.BadParameter(f"{given!r} is not {form.text}")
    while given is None:
        answer = _ask(question)
        given = answer if form.pattern.fullmatch(answer) else None
        if given is None:
            say(f"Answer {form.text}.", err=True)
    return given


def _ask(question: str, default: str | None = None, choices: list[str] | None = None) -> str:
    # Questions go to standard error, since the document goes to standard output.
    shown = f"{question} ({', '.join(choices)})" if choices else question
    while True:
        try:
            answer: str = typer.prompt(shown, default=default, err=True).strip()
        except typer.Abort:
            # Where nobody answers, such as in a script, the question alone would not say what to do.
            say("\nNothing was written. Each question is an option too; see `bus contract new --help`.", err=True)
            raise
        if choices is None or answer in choices:
            return answer
        say(f"Answer one of {', '.join(choices)}.", err=True)


def _read_example(path: Path, kind: Kind) -> _Beginning:
    payloads = read_yaml(path.read_bytes())
    payloads = payloads if isinstance(payloads, list) else [payloads]
    if not payloads or not all(isinstance(payload, dict) for payload in payloads):
        raise DocumentsRefused(f"{path.name} should hold a JSON object, or a list of JSON objects.")
    if kind is not Kind.QUERY:
        return _Beginning({"schema": infer_schema(payloads)}, payloads)
    if not all(isinstance(payload.get(part), dict) for payload in payloads for part in ("request", "answer")):
        raise DocumentsRefused(f'{path.name} should hold {{"request": {{…}}, "answer": {{…}}}}.')
    schemas = {part: infer_schema([payload[part] for payload in payloads]) for part in ("request", "answer")}
    return _Beginning(schemas, [{part: payload[part] for part in ("request", "answer")} for payload in payloads])


def _ask_fields(kind: Kind, given: Mapping[str, str | None]) -> _Beginning:
    """The schemas of fields that options or answers name.

    Args:
        given: the options, by the schema's name.
    """
    parts = {"request": "Fields of the question", "answer": "Fields of the answer"}
    asked = parts if kind is Kind.QUERY else {"schema": "Fields of the data"}
    return _Beginning(
        {
            part: sketch_schema(_split_names(given[part] or "") or _ask_names(f"{question}, separated by commas"))
            for part, question in asked.items()
        },
        [],
    )


def _ask_names(question: str) -> list[str]:
    names: list[str] = []
    while not names:
        names = _split_names(_ask(question))
    return names


def _split_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _guess_classification(begun: _Beginning) -> str:
    objects = [set(schema["properties"]) for schema in begun.schemas.values()]
    is_about_persons = any(names_person(name, names - {name}) for names in objects for name in names)
    return str((Classification.PERSONAL if is_about_persons else Classification.INTERNAL).value)


def _find_places(
    kind: Kind, classification: Classification, begun: _Beginning, key: str | None, subject: str | None
) -> dict[str, str]:
    """The document's `key` and `subject`, as the kind and the classification need them.

    Raises:
        typer.BadParameter: an option is no JSON Pointer.
    """
    for given in (key, subject):
        if given and not given.startswith("/"):
            raise typer.BadParameter(f"{given!r} is not a JSON Pointer; write /{given}")
    required = [json.to_pointer((name,)) for name in begun.sent["required"]]
    likely = next((pointer for pointer in required if pointer == "/nik"), next(iter(required), None))
    places = {}
    if kind is Kind.RECORD:
        places["key"] = key or _ask("Key, the JSON Pointer of the field that identifies a record", likely, required)
    if classification.is_about_persons:
        known = subject or ("/nik" if "/nik" in required else None)
        places["subject"] = known or _ask("Subject, the JSON Pointer of the person's identifier", likely, required)
    return places


def _choose_examples(begun: _Beginning, classification: Classification) -> dict[str, Any]:
    if not begun.examples:
        return {}
    if classification.is_about_persons:
        say("The document has no example: your payload may be about a real person. Add a made-up one.", err=True)
        return {}
    return {"examples": begun.examples}


def _refer(document: dict[str, Any], output: Path) -> dict[str, Any]:
    """The document with references to the shared definitions, if they are in a folder above its file."""
    folder = output.resolve().parent
    common = next((above / "schemas/common" for above in folder.parents if (above / "schemas/common").is_dir()), None)
    if common is None:
        return document
    place = Path(os.path.relpath(common, folder)).as_posix()
    return {
        name: _refer_in(value, place) if name in ("schema", "request", "answer") else value
        for name, value in document.items()
    }


def _refer_in(schema: dict[str, Any], place: str) -> dict[str, Any]:
    properties = {name: _refer_property(name, inner, place) for name, inner in schema.get("properties", {}).items()}
    return schema | ({"properties": properties} if properties else {})


def _refer_property(name: str, schema: dict[str, Any], place: str) -> dict[str, Any]:
    shared = _SHARED_DATE if schema.get("format") == "date" else _SHARED.get(name)
    if shared is None or schema.get("type") not in (None, "string"):
        return _refer_in(schema, place)
    return {"$ref": f"{place}/{shared}", "description": schema["description"]}


def _write(document: dict[str, Any], output: Path | None) -> None:
    text = _HEADER + write_yaml(document)
    if output is None:
        typer.echo(text, nl=False)
    elif output.exists():
        raise DocumentsRefused(f"{output} exists already; name another file.")
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(text)
