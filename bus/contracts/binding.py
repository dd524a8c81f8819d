"""Bindings: what an operation of an agency's adapter demands of every contract that names it.

The operation knows what data it carries. A contract may protect them more, never less.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from bus.contracts.document import AdapterUse, Contract, Kind
from bus.contracts.errors import ContractSaysLess, NotBound
from bus.contracts.outline import draw_outline
from bus.contracts.persons import holds
from bus.contracts.schemas import Schema
from bus.kit import Classification, Does, Operation
from bus.problem import FieldError


@dataclass(frozen=True, slots=True)
class Binding:
    """What one operation of an adapter demands.

    Attributes:
        owner: the participant that decides which contracts may name the operation; empty: only the operator decides.
        kinds: the kinds of contract that the operation can serve; none: the adapter is installed, and has no such operation.
        least: the lowest classification that the contract may have.
        person: pointer of the identifier of the person that the data (query: the question) are about.
        definitions: names of shared definitions, by the pointer of the field that must use them.
        contract: the only contract that may name the operation, which is a poll; None: any contract.
    """

    owner: str
    kinds: frozenset[Kind]
    least: Classification = Classification.PUBLIC
    person: str | None = None
    definitions: Mapping[str, str] = field(default_factory=dict)
    contract: str | None = None


_KINDS: Final = {
    Does.QUERY: frozenset({Kind.QUERY}),
    Does.DELIVER: frozenset({Kind.EVENT, Kind.RECORD}),
    Does.POLL: frozenset({Kind.EVENT, Kind.RECORD}),
    Does.PUSH: frozenset({Kind.EVENT, Kind.RECORD}),
}


def make_binding(operation: Operation | None, owner: str) -> Binding:
    """The binding of an adapter's operation; None: the adapter is there, and has no such operation."""
    if operation is None:
        return Binding(owner, kinds=frozenset())
    return Binding(
        owner,
        _KINDS[operation.does],
        operation.least,
        operation.person,
        operation.definitions,
        operation.contract,
    )


Bindings = Callable[[AdapterUse], Binding | None]
"""Finds the binding of an operation; None: the adapter is not installed."""


def no_adapters(use: AdapterUse) -> Binding | None:
    """Finds no adapter: only the operator may put contracts in force that name one."""
    return None


def write_bindings(contract: Contract, bindings: Bindings) -> list[dict[str, Any]]:
    """The bindings of the operations that a contract names, as JSON values for `read_bindings`."""
    found = ((use, bindings(use)) for use in contract.adapters)
    return [
        asdict(use) | asdict(binding) | {"kinds": [kind.value for kind in binding.kinds], "least": binding.least.value}
        for use, binding in found
        if binding is not None
    ]


def read_bindings(values: Sequence[Mapping[str, Any]]) -> Bindings:
    """A function that finds bindings among the JSON values of `write_bindings`."""
    known = {
        AdapterUse(value["adapter"], value["operation"]): Binding(
            owner=value["owner"],
            kinds=frozenset(map(Kind, value["kinds"])),
            least=Classification(value["least"]),
            person=value["person"],
            definitions=value["definitions"],
            contract=value["contract"],
        )
        for value in values
    }
    return known.get


def find_missing_operations(contract: Contract, bindings: Bindings) -> Iterator[FieldError]:
    """The operations that the installed adapters do not have."""
    for index, use in enumerate(contract.adapters):
        binding = bindings(use)
        if binding is not None and not binding.kinds:
            yield FieldError(f"/adapters/{index}/operation", f"{use.adapter} has no operation {use.operation}")


def find_shortfalls(contract: Contract, bindings: Bindings) -> Iterator[FieldError]:
    """The places where the contract says less than its adapter operations demand."""
    for index, use in enumerate(contract.adapters):
        binding = bindings(use)
        if binding is not None and binding.kinds:
            yield from _find_shortfalls_of(contract, f"/adapters/{index}", str(use), binding)


def check_serves(contract: Contract, use: AdapterUse, binding: Binding) -> None:
    """Refuse to let an operation serve a version that says less than the operation demands.

    Raises:
        ContractSaysLess: names the place, and what to do.
    """
    if less := next(_compare_terms(contract, str(use), binding), None):
        raise ContractSaysLess(
            f"{less.pointer} of {contract.name} {contract.version} {less.detail}. Its owner must activate a version that says so."
        )


def check_named(name: str, in_force: Collection[Contract], use: AdapterUse) -> None:
    """Refuse an operation that no version in force names: nobody agreed to it.
    Raises:
        NotBound: says what to do.
    """
    if not any(use in contract.adapters for contract in in_force):
        raise NotBound(
            f"No version of {name} in force names {use} in `adapters`;"
            " activate one that does, with the word of the adapter's owner."
        )


def _find_shortfalls_of(contract: Contract, at: str, named: str, binding: Binding) -> Iterator[FieldError]:
    if contract.kind not in binding.kinds:
        yield FieldError(f"{at}/operation", f"{named} does not serve contracts of kind {contract.kind.value}")
        return
    if binding.contract not in (None, contract.name):
        yield FieldError(f"{at}/operation", f"{named} serves the contract {binding.contract} alone")
    yield from _compare_terms(contract, named, binding)
    parts = [("/request", contract.sent), ("/answer", contract.shown)]
    for part, schema in parts if contract.kind is Kind.QUERY else [("/schema", contract.sent)]:
        yield from _find_undefined(part, schema, named, binding)


def _compare_terms(contract: Contract, named: str, binding: Binding) -> Iterator[FieldError]:
    """The shortfalls that show without a look into schemas."""
    if contract.classification.is_below(binding.least):
        detail = f"must be {binding.least.value} or more, since {named} carries data of that level"
        yield FieldError("/classification", detail)
    elif binding.person is not None and contract.person != binding.person:
        yield FieldError("/subject", f"must be {binding.person}, where the data of {named} name their person")


def _find_undefined(part: str, schema: Schema, named: str, binding: Binding) -> Iterator[FieldError]:
    for one in draw_outline(schema):
        definition = binding.definitions.get(one.pointer)
        if definition is not None and not holds(schema, one.schemas, definition):
            detail = f"{one.pointer} must be declared by schemas/common/{definition}, since {named} fills it with such numbers"
            yield FieldError(part, detail)
