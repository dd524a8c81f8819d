"""Actions: who changed or steered what on the bus, as whom, from where, and with which result."""

from bus.actions.action import Action, Object, Result, Verb
from bus.actions.actor import OPERATOR, Actor, Channel, identify_operator
from bus.actions.attempt import make_failed_login, make_failed_sign_in, make_refused_act, make_refused_request
from bus.actions.attempts import Attempts
from bus.actions.document import to_document
from bus.actions.log import ActionLog, Found, Wanted, find_last, note
from bus.actions.redaction import make_printable, mask_url
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
    "find_last",
    "identify_operator",
    "make_failed_login",
    "make_failed_sign_in",
    "make_printable",
    "make_refused_act",
    "make_refused_request",
    "mask_url",
    "note",
    "to_document",
]
