"""The check of a document, in jobs for worker processes. A job reads it, lints it with its examples, and compares it with
contracts."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from bus import json
from bus.contracts import (
    AdapterUse,
    Contract,
    Finding,
    Severity,
    draw_outline,
    find_binding_errors,
    make_binding,
    restore_contract,
)
from bus.declared.document import AdapterDocument
from bus.declared.factory import make_operation
from bus.declared.lint import lint_document
from bus.declared.load import check_document, read_body
from bus.declared.mapper import Mapper
from bus.heavy import Job

_MEND = "Serve the contract as before, or have its owner activate a version without the operation first."


class _InThisProcess:
    """Runs jobs at once: the process is a worker already, with bounds of its own."""

    async def run(self, job: Job, *parts: bytes, who: str) -> bytes:
        return job(*parts)

    async def close(self) -> None:
        return None


def read_adapter(text: bytes) -> bytes:
    """The document in a YAML or JSON text, as canonical JSON.

    Raises:
        AdapterInvalid: with a pointer for each thing that is wrong.
    """
    body = read_body(text)
    check_document(body)
    return json.dump_canonical(body)


def check_adapter(document: bytes, asked: bytes) -> bytes:
    """What is wrong with a document: `findings` of lint, and `broken`, what contracts in force would lose.

    Args:
        document: the document as JSON.
        asked: a JSON object. `contracts` are the contracts that the operations name, `naming` all versions in force that
            name an operation of the adapter.

    Raises:
        AdapterInvalid: with a pointer for each thing that is wrong.
    """
    told, given = check_document(json.loads(document)), json.loads(asked)
    known = {one.name: one for one in map(restore_contract, given["contracts"])}
    mapper = Mapper(told.adapter, _InThisProcess(), explain=True)
    findings = asyncio.run(lint_document(told, known.get, mapper))
    broken = find_broken(told, [restore_contract(one) for one in given["naming"]])
    return json.dumps({"findings": [_write(one) for one in findings], "broken": [_write(one) for one in broken]})


def find_broken(document: AdapterDocument, naming: Sequence[Contract]) -> list[Finding]:
    """What contracts in force would lose: operations that they name and that would not serve them.

    Args:
        naming: the versions in force that name an operation of the adapter.
    """
    return [finding for contract in naming for finding in _find_broken_of(document, contract)]


def _find_broken_of(document: AdapterDocument, contract: Contract) -> Iterator[Finding]:
    operations = {one.name: (at, make_operation(one)) for at, one in enumerate(document.operations)}

    def find_binding(use: AdapterUse) -> Any:
        if use.adapter != document.adapter:
            return None
        found = operations.get(use.operation)
        return make_binding(found[1] if found else None, "")

    named = f"{contract.name} {contract.version}"
    for wrong in find_binding_errors(contract, find_binding):
        yield Finding("serves", Severity.ERROR, "/operations", f"{named}: {wrong.pointer} {wrong.message}", _MEND)
    declared = _list_declared(contract)
    for use in contract.adapters:
        if use.adapter == document.adapter and use.operation in operations:
            at, operation = operations[use.operation]
            for number, pointer in enumerate(operation.fields):
                if pointer not in declared:
                    message = f"{named} declares no {pointer}, which {use} reads or fills"
                    yield Finding("serves", Severity.ERROR, f"/operations/{at}/fields/{number}", message, _MEND)


def _list_declared(contract: Contract) -> frozenset[str]:
    schemas = [schema for schema in (contract.sent, contract.shown) if schema is not None]
    return frozenset(field.pointer for schema in schemas for field in draw_outline(schema))


def _write(finding: Finding) -> dict[str, str]:
    return asdict(finding) | {"severity": finding.severity.value}
