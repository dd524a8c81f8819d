"""Actions: who changed or steered what on the bus, as whom, from where, and what came of it."""

from bus.actions.action import Action, Object, Result, Verb
from bus.actions.actor import OPERATOR, Actor, Channel, on_this_machine
from bus.actions.attempt import failed_login, refused, refused_request
from bus.actions.attempts import Attempts
from bus.actions.document import to_document
from bus.actions.log import ActionLog, Found, Wanted, note
from bus.actions.redaction import masked, printable
from bus.actions.tables import STARTS

__all__ = [
    "OPERATOR",
    "STARTS",
    "Action",
    "ActionLog",
    "Actor",
    "Attempts",
    "Channel",
    "Found",
    "Object",
    "Result",
    "Verb",
    "Wanted",
    "failed_login",
    "masked",
    "note",
    "on_this_machine",
    "printable",
    "refused",
    "refused_request",
    "to_document",
]
