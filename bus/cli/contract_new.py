"""`bus contract new`: writes a first document, from questions or from an example payload."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bus import json
from bus.cli.contract_files import DocumentsRefused, write_finding
from bus.cli.terminal import say
from bus.contracts import (
    PERSONAL_NAMES,
    Classification,
    Kind,
    infer_schema,
    lint_contract,
    parse_contract,
    read_yaml,
    sketch_schema,
    write_yaml,
)

_HEADER: Final = b"# yaml-language-server: $schema=../../schemas/contract.schema.json\n"


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
    output: Annotated[
        Path | None, typer.Option(help="file for the document; absent: standard output", dir_okay=False)
    ] = None,
) -> None:
    """Write a first contract document. The command asks for absent options.

    A text in <…> is for you to write; lint finds it.

    Example: bus contract new --from izin.json --name perizinan.izin --output contracts/perizinan/izin.yaml
    """
    name = name or _ask("Name, <domain>.<noun>")
    kind = kind or Kind(_ask("Kind: event, record or query", Kind.EVENT.value, [one.value for one in Kind]))
    title = title or _ask("Title, the data in one line")
    owner = owner or _ask("Owner, the participant that answers for the data")
    begun = _read_example(example, kind) if example else _ask_fields(kind)
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
        **_find_places(kind, classification, begun, key),
        **begun.schemas,
        "compatibility": "backward",
        "producers": [owner],
        "consumers": [],
        **_choose_examples(begun, classification),
    }
    findings = lint_contract(parse_contract(document))
    _write(document, output)
    for finding in findings:
        say(write_finding(finding), err=True)


def _ask(question: str, default: str | None = None, choices: list[str] | None = None) -> str:
    # Questions go to standard error, since the document goes to standard output.
    while True:
        answer: str = typer.prompt(question, default=default, err=True).strip()
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


def _ask_fields(kind: Kind) -> _Beginning:
    parts = {"request": "Fields of the question", "answer": "Fields of the answer"}
    asked = parts if kind is Kind.QUERY else {"schema": "Fields of the data"}
    return _Beginning(
        {part: sketch_schema(_ask_names(f"{question}, separated by commas")) for part, question in asked.items()}, []
    )


def _ask_names(question: str) -> list[str]:
    names: list[str] = []
    while not names:
        names = [name.strip() for name in _ask(question).split(",") if name.strip()]
    return names


def _guess_classification(begun: _Beginning) -> str:
    named = {name for schema in begun.schemas.values() for name in schema["properties"]}
    likely = Classification.PERSONAL if named & PERSONAL_NAMES else Classification.INTERNAL
    return str(likely.value)


def _find_places(kind: Kind, classification: Classification, begun: _Beginning, key: str | None) -> dict[str, str]:
    """The document's `key` and `subject`, as the kind and the classification need them."""
    required = [json.pointer((name,)) for name in begun.sent["required"]]
    likely = next((pointer for pointer in required if pointer == "/nik"), next(iter(required), None))
    places = {}
    if kind is Kind.RECORD:
        places["key"] = key or _ask("Key, the JSON Pointer of the field that identifies a record", likely)
    if classification.is_about_persons:
        is_known = "/nik" in required
        places["subject"] = "/nik" if is_known else _ask("Subject, the JSON Pointer of the person's identifier", likely)
    return places


def _choose_examples(begun: _Beginning, classification: Classification) -> dict[str, Any]:
    if not begun.examples:
        return {}
    if classification.is_about_persons:
        say("The document has no example: your payload may be about a real person. Add a made-up one.", err=True)
        return {}
    return {"examples": begun.examples}


def _write(document: dict[str, Any], output: Path | None) -> None:
    text = _HEADER + write_yaml(document)
    if output is None:
        typer.echo(text, nl=False)
    elif output.exists():
        raise DocumentsRefused(f"{output} exists already; name another file.")
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(text)
