"""Declared adapters: an agency's HTTP API is described by a document, and the bus calls it without code for the agency.

Promise: a document's expressions run in processes of their own, within bounds. A secret goes only to the hosts that the operator
bound it to. Connections go only to public addresses, and to networks that the operator names.
"""

from bus.declared.document import AdapterDocument
from bus.declared.errors import AdapterInvalid
from bus.declared.factory import DeclaredFactory, Surroundings
from bus.declared.load import check_document, load_document, read_document, write_schema
from bus.declared.mapper import Mapper

__all__ = [
    "AdapterDocument",
    "AdapterInvalid",
    "DeclaredFactory",
    "Mapper",
    "Surroundings",
    "check_document",
    "load_document",
    "read_document",
    "write_schema",
]
