"""Contracts: what is exchanged, who may send it, who may get which fields and why.

What the room offers:

- The document: `Contract` with its parts (`Kind`, `Mask`, `AdapterUse`). `load_contract` and `parse_contract` read it.
- Its states: `State`. `Domain` says who decides on them. The catalogue's registrar moves versions;
  `RegisteredVersion` and `Move` say what the register holds.
- The catalogue in memory: `Catalogue` finds the `ContractVersion` of an event, and the `View` of a consumer.
- Suspensions: `Suspension` says who suspended a grant and why; `Waiting` what becomes of deliveries meanwhile.
- Validation: `Validator` checks data. `is_bearable` says whether the event loop may check them. `check_numbers` checks numbers.
- Persons: `PersonFinder` finds the identifiers of persons in data.
- Access: `describe_access` lists what each consumer gets; `Visibility` says how it sees a field. An `AccessRequest` asks the
  owner for a grant, which a `Wish` describes.
- Filters: `compile_filter` for one filter, `FilterIndex` for many. `spell_value` and `list_keys` spell values for an index.
- Adapters: `Binding` is what an operation demands of a contract; `check_serves` and `check_named` enforce it.
- Judgement: `lint_contract` gives `Finding`s, `compare_versions` a `Report`, `find_touched` whom a change affects,
  `find_granted` what it newly shows to whom.
- Overviews and plans: `ListedContract`, `Heading`, `Plan`. `Proposal` waits for an approval; `find_ending_grants` finds
  grants that end soon. `Portfolio` has the contracts that one participant answers for.
- Jobs for worker processes: `check_contract`, `judge_approval`, `judge_data`, `read_document`, `write_document`,
  `write_asyncapi`, `export_odcs`, `import_odcs`.
- Other forms: `generate_models`, `write_odcs` and `read_odcs`, `write_page`, `infer_schema`, `read_yaml`, `write_yaml`.
- Refusals: `NoSuchContract`, `NotGranted`, `GrantExpired`, `DocumentInvalid`, `FilterInvalid`, `Incompatible` and others.
"""

from bus.contracts.access import Access, describe_access
from bus.contracts.access_request import (
    LONGEST_AGREEMENT,
    LONGEST_BASIS,
    LONGEST_PURPOSE,
    AccessRequest,
    AccessState,
    Wish,
)
from bus.contracts.approval import describe_compatibility
from bus.contracts.asyncapi import make_schema_url
from bus.contracts.binding import Binding, Bindings, check_named, check_serves, make_binding, write_bindings
from bus.contracts.catalogue import Catalogue
from bus.contracts.catalogued import AdapterUses, Freshness
from bus.contracts.certain import Certain, find_certain
from bus.contracts.codegen import Language, generate_models
from bus.contracts.compatibility import Report, Rule, Touched, Verdict, compare_versions, find_touched
from bus.contracts.document import (
    AdapterUse,
    Classification,
    Contract,
    Kind,
    Mask,
    load_contract,
    parse_contract,
    restore_contract,
)
from bus.contracts.domains import Domain
from bus.contracts.effort import is_bearable
from bus.contracts.ending import EndingGrant, find_ending_grants
from bus.contracts.errors import (
    ContractSaysLess,
    DocumentInvalid,
    FilterInvalid,
    GrantExpired,
    GrantsUnseen,
    GrantSuspended,
    Incompatible,
    NoSuchContract,
    NoSuchGrant,
    NotBound,
    NotGranted,
    TransitionRefused,
    VersionTaken,
)
from bus.contracts.fields import Visibility
from bus.contracts.filter import compile_filter, read_attribute, read_data_field
from bus.contracts.filter_index import FilterIndex
from bus.contracts.formats import is_date_time, is_uri_reference
from bus.contracts.granted import Granted, find_granted, grants_persons_data, write_granted
from bus.contracts.infer import infer_schema, sketch_schema
from bus.contracts.jobs import (
    check_contract,
    compile_schema,
    export_odcs,
    import_odcs,
    judge_approval,
    judge_data,
    parse_body,
    read_check,
    read_document,
    write_asyncapi,
    write_document,
)
from bus.contracts.lifecycle import State
from bus.contracts.lint import Finding, Severity, find_binding_errors, lint_contract, lint_refused
from bus.contracts.lint.vocabulary import names_person
from bus.contracts.listing import Heading, ListedContract, ListedVersion
from bus.contracts.numbers import NumberChanged, check_numbers, find_changed_numbers, refuse_numbers
from bus.contracts.odcs import OdcsAnswers, read_odcs, write_odcs
from bus.contracts.outline import draw_outline
from bus.contracts.page import name_page_file, write_index, write_page
from bus.contracts.person_finder import PersonFinder, make_finder, read_identifier, spell_identifier
from bus.contracts.plan import Plan
from bus.contracts.portfolio import Draft, Portfolio
from bus.contracts.proposals import Proposal
from bus.contracts.register import Tags
from bus.contracts.registered import Move, RegisteredVersion, Succession, find_successions
from bus.contracts.schemas import Schema, find_schemas_at, has_property
from bus.contracts.suspension import LONGEST_REASON, Suspension, Suspensions, Waiting
from bus.contracts.validation import Validator, write_pointer
from bus.contracts.value_keys import MANY, ValueKeys, list_keys, spell_value
from bus.contracts.version import ContractVersion, Notice, make_text_finder
from bus.contracts.view import View, Wanted, WantedRows, find_single_values
from bus.contracts.yaml import read_yaml, write_yaml

__all__ = [
    "LONGEST_AGREEMENT",
    "LONGEST_BASIS",
    "LONGEST_PURPOSE",
    "LONGEST_REASON",
    "MANY",
    "Access",
    "AccessRequest",
    "AccessState",
    "AdapterUse",
    "AdapterUses",
    "Binding",
    "Bindings",
    "Catalogue",
    "Certain",
    "Classification",
    "Contract",
    "ContractSaysLess",
    "ContractVersion",
    "DocumentInvalid",
    "Domain",
    "Draft",
    "EndingGrant",
    "FilterIndex",
    "FilterInvalid",
    "Finding",
    "Freshness",
    "GrantExpired",
    "GrantSuspended",
    "Granted",
    "GrantsUnseen",
    "Heading",
    "Incompatible",
    "Kind",
    "Language",
    "ListedContract",
    "ListedVersion",
    "Mask",
    "Move",
    "NoSuchContract",
    "NoSuchGrant",
    "NotBound",
    "NotGranted",
    "Notice",
    "NumberChanged",
    "OdcsAnswers",
    "PersonFinder",
    "Plan",
    "Portfolio",
    "Proposal",
    "RegisteredVersion",
    "Report",
    "Rule",
    "Schema",
    "Severity",
    "State",
    "Succession",
    "Suspension",
    "Suspensions",
    "Tags",
    "Touched",
    "TransitionRefused",
    "Validator",
    "ValueKeys",
    "Verdict",
    "VersionTaken",
    "View",
    "Visibility",
    "Waiting",
    "Wanted",
    "WantedRows",
    "Wish",
    "check_contract",
    "check_named",
    "check_numbers",
    "check_serves",
    "compare_versions",
    "compile_filter",
    "compile_schema",
    "describe_access",
    "describe_compatibility",
    "draw_outline",
    "export_odcs",
    "find_binding_errors",
    "find_certain",
    "find_changed_numbers",
    "find_ending_grants",
    "find_granted",
    "find_schemas_at",
    "find_single_values",
    "find_successions",
    "find_touched",
    "generate_models",
    "grants_persons_data",
    "has_property",
    "import_odcs",
    "infer_schema",
    "is_bearable",
    "is_date_time",
    "is_uri_reference",
    "judge_approval",
    "judge_data",
    "lint_contract",
    "lint_refused",
    "list_keys",
    "load_contract",
    "make_binding",
    "make_finder",
    "make_schema_url",
    "make_text_finder",
    "name_page_file",
    "names_person",
    "parse_body",
    "parse_contract",
    "read_attribute",
    "read_check",
    "read_data_field",
    "read_document",
    "read_identifier",
    "read_odcs",
    "read_yaml",
    "refuse_numbers",
    "restore_contract",
    "sketch_schema",
    "spell_identifier",
    "spell_value",
    "write_asyncapi",
    "write_bindings",
    "write_document",
    "write_granted",
    "write_index",
    "write_odcs",
    "write_page",
    "write_pointer",
    "write_yaml",
]
