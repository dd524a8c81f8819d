"""The gate: what may enter the journal. A well-formed CloudEvent, from a producer of its contract, valid under its schema.

Decides only; nothing here touches the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bus import json
from bus.contracts.catalogue import Catalogue, ContractVersion
from bus.contracts.validation import shown
from bus.identity.tokens import Principal
from bus.journal.append import Submission
from bus.journal.envelope import TEXT_RULE, is_text, wrong_attributes
from bus.journal.identity import identity_of
from bus.problem import FieldError, Forbidden, Refused

_BACKSLASH: Final = 0x5C


class EventMalformed(Refused):
    """This is not a CloudEvent that the bus takes."""

    status = 400
    slug = "event-malformed"


class DataInvalid(Refused):
    """The data do not fit the contract's schema."""

    status = 422
    slug = "data-invalid"


class EventTooLarge(Refused):
    """The event is larger than its contract allows."""

    status = 413
    slug = "event-too-large"


class NotAProducer(Forbidden):
    """You are not a producer of this contract; ask its owner to add you."""

    slug = "not-a-producer"


@dataclass(frozen=True, slots=True)
class Gate:
    """Turns a CloudEvents JSON document into a submission, or refuses it with every reason."""

    catalogue: Catalogue

    def admit(
        self, document: Any, principal: Principal, *, body: bytes | None = None, brief: bool = False
    ) -> Submission:
        """The submission that a parsed CloudEvent becomes.

        Args:
            body: the document as `json.dumps` writes it, where the caller did so already.
            brief: of data that do not fit, one reason is enough.

        Raises:
            EventMalformed: attributes are missing or wrong.
            UnknownContract, UnknownVersion, VersionRetired: there is no such agreement.
            NotAProducer: the sender may not say this.
            DataInvalid, EventTooLarge: the data do not fit the contract.
        """
        if type(document) is not dict:
            raise EventMalformed("An event is a JSON object.", errors=[FieldError("", "must be an object")])
        event = (
            {k: v for k, v in document.items() if v is not None or k == "data"}
            if None in document.values()
            else document
        )
        if wrong := wrong_attributes(event):
            raise EventMalformed("The event's attributes are not as CloudEvents 1.0 says.", errors=wrong)
        version = self.catalogue.version_for(event["type"], event.get("dataschema"))
        if principal.participant not in version.contract.producers:
            raise NotAProducer(f"{principal.participant} is not a producer of {event['type']}.")
        if body is None or event is not document:
            body = _written(event)
        # Before the data are looked at: how long that takes grows with their size.
        _check_size(body, version)
        if _BACKSLASH in body:
            _check_text(body)
        data = event.get("data")
        key = _key(event, data, version, brief)
        if key is not None and ("subject" not in event or "data" not in event):
            body = _of_record(body, event, key)
            _check_size(body, version)
        person = version.person_of(data) if data is not None else None
        if person is not None and not is_text(person):
            at = FieldError(f"/data{version.contract.person}", TEXT_RULE)
            raise DataInvalid("The person whom the data are about has no usable identifier.", errors=[at])
        if person is None and version.is_personal:
            person = key
        sender = principal.participant
        identity = identity_of(sender, event["source"], event["id"])
        return Submission(
            version.contract_id, version.id, sender, identity, key, person, body,
            version.notice,
        )  # fmt: skip


def _key(event: Mapping[str, Any], data: Any, version: ContractVersion, brief: bool) -> str | None:
    """The record's key (None for an event contract), once the data are known to be valid."""
    if data is None and version.is_record:
        return _key_of_deletion(event)
    if not version.validator.is_valid(data):
        raise DataInvalid(
            f"The data do not fit {version.contract.name} {version.contract.version}.",
            errors=version.validator.errors(data, "/data", brief=brief),
        )
    if not version.is_record:
        return None
    key = version.key_of(data)
    if not is_text(key):
        raise DataInvalid("The record has no usable key.", errors=[_at_key(version, "must be a key: printable text")])
    if event.get("subject", key) != key:
        raise DataInvalid(
            "The subject of a record's event is the record's key.",
            errors=[FieldError("/subject", f"must equal /data{version.contract.key}, or be left out")],
        )
    return key


def _of_record(body: bytes, event: Mapping[str, Any], key: str) -> bytes:
    """Of a record, readers are promised its key as `subject`, and `data` that is null where it was deleted."""
    if "subject" not in event:
        body = b'%b,"subject":%b}' % (body[:-1], json.dumps(key))
    if "data" not in event:
        body = b'%b,"data":null}' % body[:-1]
    return body


def _written(event: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(event)
    except TypeError:
        # An agency's answer, which Python's own parser read.
        at = FieldError("/data", "holds half a surrogate pair, or an integer of more than 64 bits")
        raise EventMalformed("The data cannot be written as JSON in UTF-8.", errors=[at]) from None


def _check_text(body: bytes) -> None:
    """Refuse the character NUL: many databases keep no text with it, PostgreSQL's `jsonb` among them."""
    if b"\\u0000" not in body:
        return
    at = json.nul_at(json.loads(body))
    if at is not None:
        raise EventMalformed("Texts in an event hold no NUL.", errors=[FieldError(shown(at), "must hold no NUL")])


def _check_size(body: bytes, version: ContractVersion) -> None:
    if len(body) > version.max_bytes:
        raise EventTooLarge(f"An event of {version.contract.name} may have {version.max_bytes} bytes.")


def _key_of_deletion(event: Mapping[str, Any]) -> str:
    if "subject" not in event:
        raise EventMalformed(
            "An event without data deletes a record; its subject says which.",
            errors=[FieldError("/subject", "is required where data is null"), FieldError("/data", "is null or absent")],
        )
    return str(event["subject"])


def _at_key(version: ContractVersion, detail: str) -> FieldError:
    return FieldError(f"/data{version.contract.key}", detail)
