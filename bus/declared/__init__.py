"""Declared adapters: a document describes an agency's HTTP API, and the bus calls the API without code for the agency.

Promise: a document's expressions run in processes of their own, within bounds. A secret goes only to the hosts that the operator
bound it to. Connections go only to public addresses, and to networks that the operator names.
"""

from bus.declared.beginning import Beginning, Choice, Office, begin_adapter, read_choice
from bus.declared.document import AdapterDocument
from bus.declared.errors import AdapterInvalid, OpenApiInvalid
from bus.declared.factory import DeclaredFactory, Surroundings, check_no_secret_is_shown
from bus.declared.lint import lint_document
from bus.declared.load import check_document, load_body, load_document, read_document, write_schema
from bus.declared.mapper import Mapper
from bus.declared.openapi import OpenApi
from bus.declared.register import (
    TOPIC,
    AdapterCatalogue,
    AdapterHolding,
    AdapterMove,
    AdapterRegistrar,
    Draft,
    InForce,
    Judge,
    Judgement,
    RegisteredAdapter,
    list_broken,
    make_draft,
    order_version,
    read_adapter,
)
from bus.declared.simulator import make_simulator
from bus.declared.trial import TrialResult, name_settings, try_operation

__all__ = [
    "TOPIC",
    "AdapterCatalogue",
    "AdapterDocument",
    "AdapterHolding",
    "AdapterInvalid",
    "AdapterMove",
    "AdapterRegistrar",
    "Beginning",
    "Choice",
    "DeclaredFactory",
    "Draft",
    "InForce",
    "Judge",
    "Judgement",
    "Mapper",
    "Office",
    "OpenApi",
    "OpenApiInvalid",
    "RegisteredAdapter",
    "Surroundings",
    "TrialResult",
    "begin_adapter",
    "check_document",
    "check_no_secret_is_shown",
    "lint_document",
    "list_broken",
    "load_body",
    "load_document",
    "make_draft",
    "make_simulator",
    "name_settings",
    "order_version",
    "read_adapter",
    "read_choice",
    "read_document",
    "try_operation",
    "write_schema",
]
