"""The gate: it decides what may enter the journal, and touches no database.

An event must be a well-formed CloudEvent. Its sender must be a producer of its contract. Its data must fit the schema.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bus import json
from bus.contracts import Catalogue, ContractVersion, is_bearable, refuse_numbers, spell_identifier, write_pointer
from bus.identity import Principal
from bus.journal.append import Submission
from bus.journal.checking import MOST_PERSONS, Findings, UncheckedEvent, find_in_data
from bus.journal.envelope import TEXT_RULE, find_wrong_attributes, find_wrong_media, is_text
from bus.journal.identity import identity_of
from bus.journal.incoming import EventMalformed, drop_nulls, refuse_no_object
from bus.journal.persons import is_ambiguous, write_persons
from bus.problem import FieldError, Forbidden, Refused

_LARGE: Final = 4 * 1024


class DataInvalid(Refused):
    """The data do not fit the contract's schema."""

    status = 422
    slug = "data-invalid"


class DataNotJson(Refused):
    """The data of an event are JSON here; the bus takes no other media type."""

    status = 415
    slug = "data-not-json"


class EventTooLarge(Refused):
    """The event is larger than its contract allows."""

    status = 413
    slug = "event-too-large"


class NotAProducer(Forbidden):
    """You are not a producer of this contract; ask its owner to add you."""

    slug = "not-a-producer"


@dataclass(frozen=True, slots=True)
class Gate:
    """Turns an event into a submission, or refuses it with every reason."""

    catalogue: Catalogue

    def admit(self, event: Any, principal: Principal, body: bytes | None = None, *, brief: bool = False) -> Submission:
        """The submission that an event becomes.

        Args:
            event: a parsed CloudEvent.
            body: the event as `json.dumps` writes it; None: not written yet.
            brief: one error in the data is enough.

        Raises:
            EventMalformed: attributes are missing or wrong.
            DataNotJson: `datacontenttype` names another media type.
            UnknownContract, UnknownVersion, VersionRetired: the event names no version that takes events.
            NotAProducer: the sender may not publish under the contract.
            DataInvalid, EventTooLarge: the data do not fit the contract.
            NumberChanged: an agency's data have a number that the bus would hand out with another value.
        """
        unchecked = self.identify(event, principal, body)
        return self.accept(unchecked, find_in_data(unchecked, brief))

    def admit_quickly(
        self, event: Any, principal: Principal, body: bytes | None = None, *, brief: bool = False
    ) -> Submission | UncheckedEvent:
        """As `admit`; or the unchecked event, if its check would hold up the event loop. Give that to `check_apart`."""
        unchecked = self.identify(event, principal, body)
        if not _is_bearable(unchecked.version, unchecked.body):
            return unchecked
        return self.accept(unchecked, find_in_data(unchecked, brief))

    def identify(self, event: Any, principal: Principal, body: bytes | None) -> UncheckedEvent:
        """An event with the contract version that it is published under. Raises what `admit` raises.

        Args:
            event: the parsed CloudEvent, or the attributes of an event that was read apart.
            body: the event as `json.dumps` writes it; None: not written yet.
        """
        if type(event) is not dict:
            raise refuse_no_object()
        kept = drop_nulls(event) if None in event.values() else event
        version = self._find_version(kept, principal)
        if body is None or kept is not event:
            body = _write(kept)
        if "dataschema" in kept or ("time" in kept and not kept["time"].isupper()):
            kept, body = self._respell(kept, body, version)
        # Before the data are checked: the time for that grows with their size.
        check_size(body, version)
        return UncheckedEvent(kept, body, version, principal.participant)

    def accept(self, unchecked: UncheckedEvent, findings: Findings) -> Submission:
        """The submission that an event becomes once its data are checked. Raises what `admit` raises."""
        event, body, version, sender = unchecked
        if findings.nul is not None:
            raise EventMalformed(
                "Texts in an event hold no NUL.", errors=[FieldError(findings.nul, "must hold no NUL")]
            )
        if findings.errors:
            raise DataInvalid(
                f"The data do not fit {version.contract.name} {version.contract.version}.", errors=findings.errors
            )
        key = _find_key(event, version, findings) if version.is_record else None
        if key is not None and ("subject" not in event or "data" not in event):
            body = _complete_record(body, event, key)
            check_size(body, version)
        if version.names_publisher:
            body = b'%b,"publisher":%b}' % (body[:-1], json.dumps(sender))
        identity = identity_of(sender, event["source"], event["id"])
        return Submission(
            version.contract_id, version.id, sender, identity, key, _find_persons(version, findings, key), body,
            version.notice,
        )  # fmt: skip

    def _respell(self, event: dict[str, Any], body: bytes, version: ContractVersion) -> tuple[dict[str, Any], bytes]:
        """The event and its body, with each attribute in a form that every receiver can read."""
        spellings = {"dataschema": self.catalogue.write_schema_address(version), "time": event.get("time", "").upper()}
        for name, spelling in spellings.items():
            if name in event and event[name] != spelling:
                body = _replace_attribute(body, name, event[name], spelling)
                event = {**event, name: spelling}
        return event, body

    def _find_version(self, event: Mapping[str, Any], principal: Principal) -> ContractVersion:
        if wrong := find_wrong_attributes(event):
            check_media(event, wrong)
            raise EventMalformed("The event's attributes are not as CloudEvents 1.0 says.", errors=wrong)
        version = self.catalogue.find_version(event["type"], event.get("dataschema"))
        if principal.participant not in version.contract.producers:
            raise NotAProducer(f"{principal.participant} is not a producer of {event['type']}.")
        return version


def check_media(event: Mapping[str, Any], wrong: Sequence[FieldError] = ()) -> None:
    """Refuse an event whose data are not JSON.

    Args:
        wrong: all errors in the event's attributes, if they are known.

    Raises:
        DataNotJson: `datacontenttype` names another media type.
    """
    if found := find_wrong_media(event):
        raise DataNotJson("Send the data as JSON, in `data`.", errors=wrong or found)


def check_size(body: bytes, version: ContractVersion) -> None:
    """Refuse an event that is larger than its contract allows.

    Raises:
        EventTooLarge: it is.
    """
    if len(body) > version.max_bytes:
        raise EventTooLarge(f"An event of {version.contract.name} may have {version.max_bytes} bytes.")


def _is_bearable(version: ContractVersion, body: bytes) -> bool:
    """Whether the event loop can check an event."""
    # The search for the character NUL takes as long as all other checks together.
    return is_bearable(version.validator.work, body) and not (len(body) > _LARGE and b"\\u0000" in body)


def _write(event: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(event)
    except TypeError:
        # Only an agency's answer has decimals: Python's own parser read it.
        if (number := json.decimal_at(event)) is not None:
            raise refuse_numbers([write_pointer(number)]) from None
        at = FieldError("/data", "holds half a surrogate pair, or an integer of more than 64 bits")
        raise EventMalformed("The data cannot be written as JSON in UTF-8.", errors=[at]) from None


def _replace_attribute(body: bytes, name: str, old: str, new: str) -> bytes:
    """The body of an event with another text for an attribute.

    Args:
        body: as `json.dumps` writes it.
        old: the attribute's text in the body.
    """
    written = b'"%b":%b' % (name.encode(), json.dumps(old))
    if body.count(written) == 1:
        # A large event is not parsed again. The match cannot be inside a text: there, quotes are escaped.
        return body.replace(written, b'"%b":%b' % (name.encode(), json.dumps(new)))
    return json.dumps({**json.loads(body), name: new})


def _find_key(event: Mapping[str, Any], version: ContractVersion, findings: Findings) -> str:
    """The key of a record's event."""
    if event.get("data") is None:
        return _find_key_of_deletion(event)
    key = findings.key
    if not is_text(key):
        at = FieldError(f"/data{version.contract.key}", "must be a key: printable text")
        raise DataInvalid("The record has no usable key.", errors=[at])
    if event.get("subject", key) != key:
        raise DataInvalid(
            "The subject of a record's event is the record's key.",
            errors=[FieldError("/subject", f"must equal /data{version.contract.key}, or be left out")],
        )
    return key


def _find_key_of_deletion(event: Mapping[str, Any]) -> str:
    if "subject" not in event:
        raise EventMalformed(
            "An event without data deletes a record; its subject says which.",
            errors=[FieldError("/subject", "is required where data is null"), FieldError("/data", "is null or absent")],
        )
    return str(event["subject"])


def _find_persons(version: ContractVersion, findings: Findings, key: str | None) -> str | None:
    """Whom an event is about, as the journal's column `person` says it."""
    person = findings.person
    if person is not None and not is_text(person):
        at = FieldError(f"/data{version.contract.person}", TEXT_RULE)
        raise DataInvalid("The person whom the data are about has no usable identifier.", errors=[at])
    if person is None and version.is_personal:
        person = key
    spellings = [] if person is None else spell_identifier(person)
    if not findings.persons:
        return (
            person if person is None or (len(spellings) == 1 and not is_ambiguous(person)) else write_persons(spellings)
        )
    if len(findings.persons) > MOST_PERSONS:
        at = FieldError("/data", f"must name at most {MOST_PERSONS} persons; send several events")
        raise DataInvalid("The event names more persons than the disclosure log can find it by.", errors=[at])
    # Nobody can search for a text that breaks `TEXT_RULE`.
    persons = [one for one in findings.persons if is_text(one)]
    return write_persons([*spellings, *persons])


def _complete_record(body: bytes, event: Mapping[str, Any], key: str) -> bytes:
    """The body of a record's event, with the key as `subject`. A deletion also gets `data: null`."""
    if "subject" not in event:
        body = b'%b,"subject":%b}' % (body[:-1], json.dumps(key))
    if "data" not in event:
        body = b'%b,"data":null}' % body[:-1]
    return body
