"""The register of adapter documents: versions, their states, and who approved them; the documents in force, in memory.

Promise: one version of an adapter is in force at most. Each step has its author in the action log. The operator, or the owner
whom the operator names, puts a version in force.
"""

from bus.declared.register.catalogue import TOPIC, AdapterCatalogue, InForce
from bus.declared.register.check import check_adapter, read_adapter
from bus.declared.register.judgement import Judge, Judgement, list_broken
from bus.declared.register.registered import (
    AdapterHolding,
    AdapterMove,
    Draft,
    RegisteredAdapter,
    make_draft,
    order_version,
)
from bus.declared.register.registrar import AdapterRegistrar

__all__ = [
    "TOPIC",
    "AdapterCatalogue",
    "AdapterHolding",
    "AdapterMove",
    "AdapterRegistrar",
    "Draft",
    "InForce",
    "Judge",
    "Judgement",
    "RegisteredAdapter",
    "check_adapter",
    "list_broken",
    "make_draft",
    "order_version",
    "read_adapter",
]
