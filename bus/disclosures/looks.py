"""Looks: searches of the disclosure log by people. Each of them is noted, durably, before its answer."""

from typing import Final

from bus.actions import Action, ActionLog, Actor, Object, Verb
from bus.disclosures.disclosure import Channel, Disclosure, Found, Place, Wanted
from bus.disclosures.log import DisclosureLog
from bus.disclosures.reason import check_reason

_NAMES: Final = {
    "person": "subject",
    "participant": "participant",
    "client_id": "client_id",
    "contract_id": "contract",
    "purpose": "purpose",
    "since": "since",
    "until": "until",
    "channel": "channel",
}
"""The conditions of a search, by the names that people give them."""
_LAW: Final = "UU 27/2022"


class Looks:
    """Searches of the log, with their entries in the action log. Synchronous: call it from threads."""

    def __init__(self, actions: ActionLog, log: DisclosureLog) -> None:
        self._actions = actions
        self._log = log

    def note(self, wanted: Wanted, by: Actor, *, further: bool = False, export: bool = False, reason: str = "") -> None:
        """Tell the action log that somebody searches. Whose data, or which other values, is no part of it.

        Args:
            further: whether it is a page behind the first one.
            export: whether the answer holds all that is found.
            reason: why somebody searches for a person.
        """
        details = {
            "subject": wanted.person is not None,
            "by": [told for name, told in _NAMES.items() if getattr(wanted, name) is not None],
            "further": further,
            "export": export,
        }
        read = Object("disclosures", "")
        told = details | ({"reason": reason} if reason else {})
        self._actions.record([Action(Verb.DISCLOSURES_READ, by, read, wanted.participant, details=told)])

    def search(self, wanted: Wanted, after: Place | None, limit: int, by: Actor) -> list[Found]:
        """At most `limit` rows of the log, newest first; `DisclosureLog.search` says what the arguments are."""
        self.note(wanted, by, further=after is not None)
        return self._log.search(wanted, after, limit)

    def find_person(self, person: str, after: Place | None, limit: int, by: Actor, reason: str) -> list[Found]:
        """Who received a person's data, newest first. The look itself is a disclosure too, and the answer begins with it.

        Args:
            person: the data subject's identifier.
            reason: why the actor looks.

        Raises:
            ReasonMissing: the reason is not one printable line.
        """
        told = check_reason(reason)
        self.note(Wanted(person), by, further=after is not None, reason=told)
        self._log.record([_make_lookup(person, by, told)])
        return self._log.search(Wanted(person), after, limit)


def _make_lookup(person: str, by: Actor, reason: str) -> Disclosure:
    return Disclosure(
        participant=by.participant,
        client_id=by.client_name,
        channel=Channel.LOOKUP,
        contract_id=0,
        version="",
        purpose=reason,
        legal_basis=_LAW,
        fields=(),
        person=person,
    )
