"""Heavy work on contracts as jobs for worker processes: read, compare and approve documents, check data, write AsyncAPI."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import blake2b
from typing import Any, Final

from bus import json
from bus.contracts import binding
from bus.contracts.approval import check_approvable, check_grants_seen, check_not_ended, describe_compatibility
from bus.contracts.asyncapi import describe_as_asyncapi
from bus.contracts.compatibility import Report, Standing, Step, Verdict, compare_versions, find_touched
from bus.contracts.document import (
    AdapterUse,
    Classification,
    Contract,
    parse_contract,
    parse_contract_text,
    restore_contract,
)
from bus.contracts.errors import DocumentInvalid
from bus.contracts.granted import find_granted, write_granted
from bus.contracts.lifecycle import State
from bus.contracts.lint import Finding, lint_contract, lint_refused
from bus.contracts.numbers import NumberChanged, check_numbers
from bus.contracts.odcs import OdcsAnswers, read_odcs, write_odcs
from bus.contracts.validation import Validator, write_pointer
from bus.contracts.yaml import read_yaml, write_yaml
from bus.problem import FieldError, Invalid

_UNKNOWN: Final = Report(Verdict.UNDECIDED, (), Step.MAJOR)
"""The report on a document that is no contract."""
_ORDER: Final = (
    "contract",
    "version",
    "kind",
    "title",
    "description",
    "owner",
    "classification",
    "key",
    "subject",
    "compatibility",
    "producers",
    "consumers",
    "delivery",
    "adapters",
    "schema",
    "request",
    "answer",
    "examples",
)
"""Members of a document in the order in which people write them; others follow."""
_GRANT_ORDER: Final = ("participant", "purpose", "legal_basis", "until", "fields", "mask", "rows")
_COMPILED: Final = 64
"""Compiled validators that a worker process keeps."""


def read_document(text: bytes) -> bytes:
    """The self-contained document in a YAML or JSON text.

    Raises:
        DocumentInvalid: with a pointer for each thing that is wrong.
    """
    return json.dumps(parse_contract_text(text).document)


def read_check(body: bytes) -> bytes:
    """A request for a check as JSON: `document`, and `against` (null: the registered versions).

    The JSON has `answer` alone if the document is no contract.

    Raises:
        DocumentInvalid: a document to compare with is no contract.
    """
    document, against = _split(read_yaml(body))
    standing = None if against is None else [_parse_against(one, index).document for index, one in enumerate(against)]
    try:
        contract = parse_contract(document)
    except DocumentInvalid as refusal:
        return json.dumps({"answer": _write_result(lint_refused(refusal), _UNKNOWN, [], [])})
    return json.dumps({"document": contract.document, "against": standing})


def check_contract(given: bytes) -> bytes:
    """The answer to a request for a check.

    Args:
        given: a JSON object. `document` is the contract, `against` the documents to compare it with. `participants` are all
            names, `adapters` the installed adapters' names. `mappings` belong to the adapters, `bindings` to the document's
            operations. `subscriptions` are the caller's, by the contract's name.
    """
    asked = json.loads(given)
    contract, standing = restore_contract(asked["document"]), [restore_contract(one) for one in asked["against"]]
    report = compare_versions(contract, standing)
    mappings = {AdapterUse(adapter, operation): fields for adapter, operation, fields in asked["mappings"]}
    touches: list[dict[str, Any]] = []
    for old in standing:
        orders = [Standing(*order) for order in asked["subscriptions"].get(old.name, ())]
        touched = find_touched(report, contract, old, orders, mappings)
        touches += [asdict(one) | {"what": one.what.value, "against": old.version} for one in touched]
    bindings = binding.read_bindings(asked["bindings"])
    findings = lint_contract(contract, set(asked["participants"]), bindings, set(asked["adapters"]))
    return json.dumps(_write_result(findings, report, touches, write_granted(find_granted(contract, standing))))


def judge_approval(given: bytes) -> bytes:
    """Whether the compatibility of an approvable version is undecided: `true` or `false`.

    Args:
        given: a JSON object with `document`, the `active` documents, the `bindings` of the document's operations, and the
            booleans `accept_undecided` and `grants_seen`.

    Raises:
        Refused: what `check_approvable`, `check_not_ended` and `check_grants_seen` raise.
    """
    asked = json.loads(given)
    active = [restore_contract(one) for one in asked["active"]]
    contract, bindings = restore_contract(asked["document"]), binding.read_bindings(asked["bindings"])
    check_not_ended(contract)
    report = check_approvable(contract, active, bindings, accept_undecided=asked["accept_undecided"])
    if not asked["grants_seen"]:
        check_grants_seen(contract, active)
    return json.dumps(report.verdict is Verdict.UNDECIDED)


def judge_data(schema: bytes, body: bytes, levels: bytes) -> bytes:
    """What is wrong with a JSON text under a schema: pairs of pointer and detail.

    Args:
        levels: how deep the text may be nested.

    Raises:
        Invalid: the text is not JSON, is nested deeper than allowed, or has a member twice.
    """
    try:
        errors = compile_schema(schema).errors(parse_body(body, int(levels)))
    except NumberChanged as refusal:
        errors = list(refusal.errors)
    return json.dumps([[error.pointer, error.detail] for error in errors])


def write_asyncapi(document: bytes, issuer: bytes, form: bytes) -> bytes:
    """A contract's AsyncAPI document, in the form `yaml` or `json`."""
    written = describe_as_asyncapi(restore_contract(json.loads(document)), issuer.decode())
    return write_yaml(written) if form == b"yaml" else json.dumps(written)


def write_document(document: bytes) -> bytes:
    """A contract document in YAML for people: its members come in the order in which people write them."""
    told = _order(json.loads(document), _ORDER)
    if "consumers" in told:
        told["consumers"] = [_order(grant, _GRANT_ORDER) for grant in told["consumers"]]
    return write_yaml(told)


def _order(members: dict[str, Any], order: Sequence[str]) -> dict[str, Any]:
    """The members in an order; those that it does not name come last."""
    return {name: members[name] for name in [*(one for one in order if one in members), *members]}


def export_odcs(document: bytes, state: bytes, form: bytes) -> bytes:
    """A contract in the Open Data Contract Standard, in the form `yaml` or `json`."""
    written = write_odcs(restore_contract(json.loads(document)), State(state.decode()))
    return write_yaml(written) if form == b"yaml" else json.dumps(written)


def import_odcs(body: bytes, asked: bytes) -> bytes:
    """The contract document of a document of the Open Data Contract Standard, with what lint says of it: `document` and `lint`.

    Args:
        body: the document in YAML or JSON.
        asked: a JSON object with `name`, `owner`, `classification`, `subject` (see `OdcsAnswers`), and `leave_out`.

    Raises:
        OdcsInvalid, OdcsSaysMore, DocumentInvalid: as `read_odcs`.
    """
    given = json.loads(asked)
    leave_out, said = given.pop("leave_out"), given.pop("classification")
    answers = OdcsAnswers(**given, classification=Classification(said) if said else None)
    document = read_odcs(read_yaml(body), answers, leave_out=leave_out)
    return json.dumps({"document": document, "lint": _write_findings(lint_contract(parse_contract(document)))})


def parse_body(body: bytes, most_levels: int) -> Any:
    """The JSON value that a body is.

    Raises:
        Invalid: it is not JSON, is nested deeper than allowed, or has a member twice.
        NumberChanged: it has a number that the bus would hand out with another value.
    """
    try:
        value = json.loads(body)
    except ValueError as error:
        check_numbers(body)
        raise Invalid("The body is not JSON in UTF-8.", errors=[FieldError("", f"is not JSON: {error}")]) from None
    if json.is_deeper(value, most_levels):
        raise Invalid(f"JSON may be nested {most_levels} levels deep.")
    written = json.dumps(value)
    if json.has_repeated_names(body, written):
        at = write_pointer(json.find_repeated_name(body) or ())
        raise Invalid("An object has each of its members once.", errors=[FieldError(at, "has a member twice")])
    check_numbers(body, written)
    return value


_compiled: OrderedDict[bytes, Validator] = OrderedDict()


def compile_schema(schema: bytes) -> Validator:
    """The validator of a schema. A worker process keeps the validators that it used last."""
    name = blake2b(schema, digest_size=32).digest()
    validator = _compiled.pop(name, None) or Validator(json.loads(schema))
    _compiled[name] = validator
    if len(_compiled) > _COMPILED:
        _compiled.popitem(last=False)
    return validator


def _split(body: Any) -> tuple[Any, list[Any] | None]:
    """The document, and the documents to compare it with; None: the registered versions."""
    if not isinstance(body, dict):
        return body, None
    against = body.get("against")
    if against is not None and not isinstance(against, list):
        raise DocumentInvalid("`against` is a list of documents.", errors=[FieldError("/against", "must be a list")])
    document = body.get("document", {name: value for name, value in body.items() if name != "against"})
    return document, against


def _parse_against(document: Any, index: int) -> Contract:
    try:
        return parse_contract(document)
    except DocumentInvalid as refusal:
        wrong = refusal.errors or (FieldError("", refusal.detail),)
        errors = [FieldError(f"/against/{index}{error.pointer}", error.detail) for error in wrong]
        raise DocumentInvalid("A document to compare with is no contract.", errors=errors) from None


def _write_result(
    findings: Sequence[Finding], report: Report, touches: list[dict[str, Any]], granted: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "lint": _write_findings(findings),
        "compatibility": describe_compatibility(report),
        "step": report.step.value,
        "touches": touches,
        "grants": granted,
    }


def _write_findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [asdict(finding) | {"severity": finding.severity.value} for finding in findings]
