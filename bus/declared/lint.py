"""Lint of adapter documents: each expression is compiled, and each example is run through mapping and contract."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from bus import json
from bus.contracts import Contract, Finding, Kind, Severity, Validator
from bus.declared.adapter import DeclaredAdapter
from bus.declared.auth import Auths, list_secrets
from bus.declared.client import Client, Server, Wire
from bus.declared.document import AdapterDocument, Deliver, Limits, Operation, Poll, Push, Query
from bus.declared.draft import Draft
from bus.declared.example import Example
from bus.declared.mapper import Mapper, Program
from bus.declared.pace import Pace
from bus.declared.vault import Vault
from bus.kit import AgencyFault, Event, Failure, PushRequest, Question, Refused, Row, now

FindContract = Callable[[str], Contract | None]
"""The contract of a name; None if there is none."""

_WORDS: Final = {Failure.TRANSIENT: "transient", Failure.PERMANENT: "permanent", Failure.SINK_DOWN: "sink_down"}
_MEND: Final = "Mend the expression, or the example; `bus adapter try` shows what an expression makes."
_EXPRESSIONS: Final = frozenset(
    {"when", "retry_after", "quotes", "json", "results", "answer", "rows", "key", "record", "time", "next", "total"}
    | {"token", "expires_in", "refused_when"}
)
"""Members that hold an expression, and those whose members do."""
MARK: Final = "TODO"
"""A text that begins so is for a person to write."""
_TABLES: Final = frozenset({"values", "query", "headers", "form"})


async def lint_document(document: AdapterDocument, find_contract: FindContract, mapper: Mapper) -> list[Finding]:
    """What the author should mend. Errors keep a document from being used.

    Args:
        find_contract: finds the contracts that the operations name.
        mapper: evaluates the expressions; it should explain itself.
    """
    found = [finding async for finding in _check_expressions(document, mapper)]
    found += _check_unused(document)
    found += _check_marks(document)
    for at, operation in enumerate(document.operations):
        pointer = f"/operations/{at}"
        found += _check_contracts(operation, pointer, find_contract)
        for number, example in enumerate(operation.examples):
            trial = _Trial(document, operation, example, f"{pointer}/examples/{number}", mapper)
            found += await trial.run(find_contract)
    return found


async def _check_expressions(document: AdapterDocument, mapper: Mapper) -> Any:
    body = document.model_dump(by_alias=True, exclude_none=True)
    texts = dict(
        _list_expressions({name: part for name, part in body.items() if name not in ("settings", "secrets")}, "")
    )
    results = (await mapper.evaluate(Program(texts), [None]))[0]
    for pointer, found in results.items():
        # Over no input most expressions fail. JSONata's codes of syntax begin with S0.
        if found.error.startswith("S0") or (found.error == "deep" and len(texts[pointer]) > 1000):
            yield Finding("expression", Severity.ERROR, pointer, found.describe(), "Mend the JSONata expression.")


def _list_expressions(value: Any, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _list_expressions(item, f"{at}/{number}")
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        pointer = f"{at}{json.to_pointer([name])}"
        # What is signed has a `time` of strftime, and the `values` of a push are pointers.
        if name in ("examples", "parts") or (name == "values" and value.get("does") == "push"):
            continue
        if isinstance(item, str) and (name in _EXPRESSIONS or at.rpartition("/")[2] in _TABLES):
            yield pointer, item
        else:
            yield from _list_expressions(item, pointer)


def _check_unused(document: AdapterDocument) -> Iterator[Finding]:
    used = {name for auth in document.auth for name in list_secrets(auth)}
    used |= {name for one in document.operations if isinstance(one, Push) for name in list_secrets(one.verify)}
    for name in sorted(document.secrets.keys() - used):
        yield Finding(
            "unused", Severity.WARNING, f"/secrets/{name}", "no auth uses the secret", "Remove it, or add the auth."
        )
    for at, server in enumerate(document.servers):
        if server.url.startswith("http:"):
            message = "is plain http: everything on the way reads along"
            yield Finding("plain", Severity.WARNING, f"/servers/{at}/url", message, "Ask the agency for https.")


def _check_marks(document: AdapterDocument) -> Iterator[Finding]:
    """Warnings for the texts that `bus adapter new` leaves to a person."""
    texts = {"/description": document.description, "/title": document.title}
    texts |= {f"/operations/{at}/title": one.title for at, one in enumerate(document.operations)}
    for pointer, text in texts.items():
        if text.startswith(MARK):
            yield Finding("todo", Severity.WARNING, pointer, text, "Do what the text says, then write what is so.")


def _check_contracts(operation: Operation, at: str, find_contract: FindContract) -> Iterator[Finding]:
    if not operation.examples:
        message = "has no example, so nothing shows that the mapping works"
        yield Finding(
            "example", Severity.WARNING, f"{at}/examples", message, "Add an example from the agency's manual."
        )
    kinds = {Kind.QUERY} if isinstance(operation, Query) else {Kind.EVENT, Kind.RECORD}
    for pointer, name in _list_contracts(operation, at):
        contract = find_contract(name)
        if contract is None:
            message = f"{name} is no contract here, so examples are not checked against it"
            yield Finding(
                "contract", Severity.WARNING, pointer, message, "Name the folder with it: --contracts FOLDER."
            )
        elif contract.kind not in kinds:
            message = f"{name} is a contract of kind {contract.kind.value}"
            yield Finding("contract", Severity.ERROR, pointer, message, "Name a contract that the operation can serve.")


def _list_contracts(operation: Operation, at: str) -> list[tuple[str, str]]:
    if isinstance(operation, Poll | Push):
        return [(f"{at}/contract", operation.contract)]
    return [(f"{at}/contracts/{number}", name) for number, name in enumerate(operation.contracts)]


class _Trial:
    """One example on its way through the adapter, before an agency that gives the example's answer."""

    def __init__(
        self, document: AdapterDocument, operation: Operation, example: Example, at: str, mapper: Mapper
    ) -> None:
        self._operation = operation
        self._example = example
        self._at = at
        self._drafts: list[Draft] = []
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        wire = Wire(document.agency, http, Pace(document.agency, Limits.model_validate({})), self._note)
        settings = {name: setting.default or name for name, setting in document.settings.items()}
        self._base = document.servers[0].url
        self._adapter = DeclaredAdapter(
            document,
            Client(document, Server(self._base, settings), wire, Auths((), ()), mapper),
            Vault(document.adapter, {}),
        )

    async def run(self, find_contract: FindContract) -> list[Finding]:
        """What is wrong with the example, or with the mapping."""
        contracts = [
            contract
            for _, name in _list_contracts(self._operation, "")
            if (contract := find_contract(name)) is not None
        ]
        match self._operation:
            case Deliver():
                found = await self._deliver(contracts)
            case Query():
                found = await self._query(contracts)
            case Poll():
                found = await self._poll(contracts)
            case Push():
                found = await self._push(contracts)
        return [*found, *self._compare_request()]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        told = self._example.answer
        content = told.text.encode() if told.text is not None else b"" if told.body is None else json.dumps(told.body)
        return httpx.Response(told.status, headers=told.headers, content=content)

    def _note(self, draft: Draft, response: httpx.Response) -> None:
        self._drafts.append(draft)

    async def _deliver(self, contracts: Sequence[Contract]) -> list[Finding]:
        found = []
        for number, event in enumerate(self._example.events):
            if event.get("data") is not None:
                found += self._judge(event["data"], contracts, "schema", f"events/{number}/data")
        events = [
            Event.from_document({"id": "1", "source": "/", "type": "", **event}) for event in self._example.events
        ]
        try:
            outcomes = await self._adapter.deliver(self._operation.name, events)
            made = ["success" if one.failure is None else _WORDS[one.failure] for one in outcomes]
            why = "; ".join(one.detail for one in outcomes if one.detail)
        except AgencyFault as fault:
            made, why = [_WORDS[fault.failure]] * len(events), fault.detail
        if self._example.outcomes is not None and made != self._example.outcomes:
            found.append(self._make("outcomes", f"become {', '.join(made)} ({why or 'as the rules say'})"))
        return found

    async def _query(self, contracts: Sequence[Contract]) -> list[Finding]:
        question = self._example.question or {}
        found = self._judge(question, contracts, "request", "question")
        name = contracts[0].name if contracts else "uji.contoh"
        try:
            answer = await self._adapter.query(self._operation.name, Question(name, question, "pemohon"))
        except Refused as refusal:
            return [*found, *self._compare_failure(refusal.detail)]
        return [*found, *self._judge(answer, contracts, "answer", "answer"), *self._compare_result(dict(answer))]

    async def _poll(self, contracts: Sequence[Contract]) -> list[Finding]:
        try:
            polled = await self._adapter.poll(self._operation.name, None)
        except AgencyFault as fault:
            return self._compare_failure(fault.detail, _WORDS[fault.failure])
        return self._judge_rows(polled.rows.rows if polled.rows else [], contracts)

    async def _push(self, contracts: Sequence[Contract]) -> list[Finding]:
        body = json.dumps(self._example.push)
        try:
            rows = await self._adapter.receive(self._operation.name, PushRequest("", "", {}, {}, now(), body))
        except (AgencyFault, Refused) as refusal:
            return self._compare_failure(refusal.detail, "permanent")
        return self._judge_rows(rows.rows, contracts)

    def _judge_rows(self, rows: Sequence[Row], contracts: Sequence[Contract]) -> list[Finding]:
        found = [finding for row in rows for finding in self._judge_row(row, contracts)]
        return [
            *found,
            *self._compare_result([{"key": row.key, "data": row.data} for row in rows if row.fault is None]),
        ]

    def _judge_row(self, row: Row, contracts: Sequence[Contract]) -> list[Finding]:
        if row.fault is not None:
            return [self._make("answer", f"has a row that cannot be read: {row.fault.detail}")]
        found = self._judge(row.data, contracts, "schema", "answer")
        for contract in contracts:
            if contract.key is not None and json.find(row.data, contract.key) != row.key:
                found.append(self._make("answer", f"has a row whose key is not its {contract.key}"))
        return found

    def _judge(self, data: Any, contracts: Sequence[Contract], part: str, where: str) -> list[Finding]:
        """What is wrong with data under the contracts."""
        found = []
        for contract in contracts:
            schema = getattr(contract, part)
            for error in Validator(schema).errors(data) if schema is not None else ():
                message = f"does not fit {contract.name}: {error.pointer or '(data)'}: {error.detail}"
                found.append(self._make(where, message))
        return found

    def _compare_failure(self, detail: str, made: str | None = None) -> list[Finding]:
        wanted = self._example.failure
        if wanted is None or (made is not None and made != wanted):
            return [self._make("answer", f"is a failure{f' ({made})' if made else ''}: {detail}")]
        return []

    def _compare_result(self, made: Any) -> list[Finding]:
        if self._example.failure is not None:
            return [self._make("failure", "does not happen: the rules take the answer for a success")]
        if self._example.result is not None and made != self._example.result:
            return [self._make("result", f"is another: {json.dumps(made).decode()[:500]}")]
        return []

    def _compare_request(self) -> Iterator[Finding]:
        wanted = self._example.request
        if wanted is None:
            return
        if not self._drafts:
            yield self._make("request", "is not sent: the mapping makes none")
            return
        sent = self._drafts[0]
        path = sent.path.removeprefix(urlsplit(self._base).path.rstrip("/"))
        pairs: list[tuple[str, Any, Any]] = [
            ("method", wanted.method, sent.method),
            ("path", wanted.path, path),
            ("query", wanted.query, dict(sent.query)),
            ("body", wanted.body, _read_body(sent)),
        ]
        for name, value, made in pairs:
            if value != made:
                yield self._make(f"request/{name}", f"is another: {json.dumps(made).decode()[:500]}")
        for name, value in wanted.headers.items():
            if value not in [made for header, made in sent.headers.items() if header.lower() == name.lower()]:
                yield self._make(f"request/headers{json.to_pointer([name])}", "is another, or is not there")

    def _make(self, where: str, message: str) -> Finding:
        return Finding("example", Severity.ERROR, f"{self._at}/{where}", message, _MEND)


def _read_body(draft: Draft) -> Any:
    kinds: Mapping[str, str] = {name.lower(): value for name, value in draft.headers.items()}
    if not draft.body:
        return None
    if kinds.get("content-type") == "application/json":
        return json.loads(draft.body)
    return dict(parse_qsl(draft.body.decode(), keep_blank_values=True))
