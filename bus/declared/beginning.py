"""The beginning of an adapter document and of its contracts, from chosen operations of an OpenAPI file."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bus import json
from bus.contracts import lint_contract, parse_contract
from bus.declared.begin_auth import begin_auth
from bus.declared.begin_operation import Begun, Does, begin_operation, guess_does
from bus.declared.errors import AdapterInvalid, OpenApiInvalid
from bus.declared.lint import MARK
from bus.declared.load import LARGEST, check_document
from bus.declared.openapi import UNKNOWN_SERVER, ApiOperation, OpenApi

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PERSONAL: Final = frozenset({"identifier", "contact", "personal-data"})
_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class Choice:
    """An operation to begin with. `does`: None: the method and the answer decide."""

    method: str
    path: str
    does: Does | None = None


@dataclass(frozen=True, slots=True)
class Office:
    """Who makes the document, and for which agency.

    Attributes:
        name: the adapter's name, which is the agency's participant and its contracts' domain too.
        title: the agency's name for people.
        owner: the office that answers for the document.
    """

    name: str
    title: str
    owner: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """An adapter document, and its contracts by the noun of each."""

    document: dict[str, Any]
    contracts: Mapping[str, dict[str, Any]]


def read_choice(text: str) -> Choice:
    """The choice in a text such as `GET /pasar`, or `POST /cari query`.

    Raises:
        OpenApiInvalid: the text has another form.
    """
    match text.split():
        case [method, path]:
            return Choice(method.upper(), path)
        case [method, path, "deliver" | "poll" | "query" as does]:
            return Choice(method.upper(), path, does)
    raise OpenApiInvalid(
        f"{text[:200]!r} names no operation; write METHOD /path, perhaps with deliver, poll or query behind it."
    )


def begin_adapter(office: Office, api: OpenApi, choices: Sequence[Choice]) -> Beginning:
    """A document with an example for each operation, and a contract for each.

    Raises:
        OpenApiInvalid: an operation is not there, the file's schemas cannot be read, or it says what no document can.
    """
    operations = [api.read_operation(one.method, one.path) for one in choices]
    names = _make_names(operations)
    begun = [
        begin_operation(office.name, office.owner, name, operation, choice.does or guess_does(operation))
        for name, operation, choice in zip(names, operations, choices, strict=True)
    ]
    if not all(json.is_small([one.operation, one.contract], LARGEST // len(begun)) for one in begun):
        raise OpenApiInvalid(f"The document would have more than {LARGEST // 1024} KiB; choose fewer operations.")
    contracts = {}
    for name, one in zip(names, begun, strict=True):
        contracts[name] = _classify(one)
    servers = api.list_servers()
    account = begin_auth(api.list_schemes(operations), servers[0])
    document = _write(office, servers, account.auth, account.secrets, account.unknown, begun)
    try:
        check_document(document)
    except AdapterInvalid as invalid:
        wrong = "; ".join(f"{one.pointer}: {one.detail}" for one in invalid.errors[:3])
        raise OpenApiInvalid(f"What the file says fits no adapter document: {wrong}") from None
    return Beginning(document, contracts)


def _write(
    office: Office,
    servers: Sequence[str],
    auth: list[dict[str, Any]],
    secrets: dict[str, dict[str, str]],
    unknown: Sequence[str],
    begun: Sequence[Begun],
) -> dict[str, Any]:
    todo = ["bandingkan aturan sukses, kunci, contoh, dan klasifikasi dengan manual instansi"]
    todo += ["ganti alamat server"] if servers == [UNKNOWN_SERVER] else []
    todo += [f"tulis auth untuk {', '.join(unknown)[:200]}"] if unknown else []
    settings = {name: setting for one in begun for name, setting in one.settings.items()}
    return {
        "kind": "adapter",
        "adapter": office.name,
        "version": "1.0.0",
        "title": office.title,
        "description": f"{MARK}: {'; '.join(todo)}.",
        "owner": office.owner,
        "participant": office.name,
        "agency": office.title[:60],
        "servers": [
            {"name": "produksi" if number == 0 else f"server_{number + 1}", "url": url}
            for number, url in enumerate(servers)
        ],
        **({"settings": settings} if settings else {}),
        **({"secrets": secrets, "auth": auth} if auth else {}),
        "operations": [one.operation for one in begun],
    }


def _classify(begun: Begun) -> dict[str, Any]:
    """The contract of an operation; both become personal if the contract's fields may be about persons."""
    found = lint_contract(parse_contract(begun.contract))
    if not any(one.code in _PERSONAL for one in found):
        return begun.contract
    asked = begun.contract.get("request") or begun.contract["schema"]
    subject = next((f"/{one}" for one in asked["required"] if "nik" in one.split("_")), None)
    subject = subject or begun.contract.get("key") or next((f"/{one}" for one in asked["required"]), None)
    if subject is None:
        raise OpenApiInvalid(
            f"{begun.contract['contract']} may be about persons, and no required field names its person; "
            "let the file require one, such as nik."
        )
    begun.operation.update(least="personal", person=subject)
    # A grant on personal data needs a purpose, a legal basis and an end, which people agree on.
    return begun.contract | {"classification": "personal", "subject": subject, "consumers": []}


def _make_names(operations: Iterable[ApiOperation]) -> list[str]:
    names: list[str] = []
    for one in operations:
        text = one.id or f"{one.method} {one.path}"
        words = [word.lower() for word in _WORDS.findall(text)]
        name = "-".join(words)[:_LONGEST].strip("-")
        name = name if name[:1].isalpha() else f"operasi-{name}".strip("-")
        again = sum(known == name or known.startswith(f"{name}-n") for known in names)
        names.append(f"{name}-n{again + 1}" if again else name)
    return names
