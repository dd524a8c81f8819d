"""The gate: what may enter the journal. A well-formed CloudEvent, from a producer of its contract, valid under its schema.

Decides only; nothing here touches the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bus import json
from bus.contracts.catalogue import Catalogue, ContractVersion
from bus.contracts.effort import is_bearable
from bus.identity.tokens import Principal
from bus.journal.append import Submission
from bus.journal.checking import NOTHING_FOUND, EventMalformed, Findings, nul_in
from bus.journal.envelope import TEXT_RULE, is_text, wrong_attributes
from bus.journal.identity import identity_of
from bus.problem import FieldError, Forbidden, Refused

_BACKSLASH: Final = 0x5C
_LARGE: Final = 4 * 1024
_MEMORY: Final = 6 * 1024 * 1024
"""Of all errors of one event that is checked in the event loop: making them takes some 10 ms."""


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


class NeedsTime(Exception):
    """To check an event's data would hold the event loop: have it done apart, and give the findings to `Gate.submission`."""

    def __init__(self, agreed: "Agreed") -> None:
        super().__init__()
        self.agreed = agreed


class Agreed(NamedTuple):
    """An event whose attributes are right, with the contract version that it is under.

    Attributes:
        event: its attributes, none of which is null. `data` may be left out where `has_data`.
        body: the whole event as JSON.
        has_data: there are data, and they are not null.
    """

    event: Mapping[str, Any]
    body: bytes
    version: ContractVersion
    has_data: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """Turns a CloudEvents JSON document into a submission, or refuses it with every reason."""

    catalogue: Catalogue

    def admit(
        self,
        document: Any,
        principal: Principal,
        *,
        body: bytes | None = None,
        brief: bool = False,
        hurries: bool = False,
    ) -> Submission:
        """The submission that a parsed CloudEvent becomes.

        Args:
            body: the document as `json.dumps` writes it, where the caller did so already.
            brief: of data that do not fit, one reason is enough.
            hurries: others wait meanwhile.

        Raises:
            EventMalformed: attributes are missing or wrong.
            UnknownContract, UnknownVersion, VersionRetired: there is no such agreement.
            NotAProducer: the sender may not say this.
            DataInvalid, EventTooLarge: the data do not fit the contract.
            NeedsTime: `hurries`, and to check the data would take long.
        """
        if type(document) is not dict:
            raise EventMalformed("An event is a JSON object.", errors=[FieldError("", "must be an object")])
        event = (
            {k: v for k, v in document.items() if v is not None or k == "data"}
            if None in document.values()
            else document
        )
        version = self._version(event, principal)
        if body is None or event is not document:
            body = _written(event)
        # Before the data are looked at: how long that takes grows with their size.
        check_size(body, version)
        data = event.get("data")
        agreed = Agreed(event, body, version, data is not None)
        if hurries and not _is_bearable(version, body):
            raise NeedsTime(agreed)
        return self.submission(agreed, principal, _found(agreed, data, brief))

    def agreed(self, event: Mapping[str, Any], principal: Principal, body: bytes, *, has_data: bool) -> Agreed:
        """An event whose data are checked apart; what is raised see `admit`.

        Args:
            event: its attributes, none of which is null.
            body: the whole event as JSON.
        """
        version = self._version(event, principal)
        check_size(body, version)
        return Agreed(event, body, version, has_data)

    def submission(self, agreed: Agreed, principal: Principal, findings: Findings) -> Submission:
        """The submission that an event becomes once its data were checked; what is raised see `admit`."""
        event, body, version, has_data = agreed
        if findings.nul is not None:
            raise EventMalformed(
                "Texts in an event hold no NUL.", errors=[FieldError(findings.nul, "must hold no NUL")]
            )
        if findings.errors:
            raise DataInvalid(
                f"The data do not fit {version.contract.name} {version.contract.version}.", errors=findings.errors
            )
        key = _key(event, version, findings, has_data=has_data)
        if key is not None and ("subject" not in event or "data" not in event):
            body = _of_record(body, event, key)
            check_size(body, version)
        person = findings.person
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

    def _version(self, event: Mapping[str, Any], principal: Principal) -> ContractVersion:
        if wrong := wrong_attributes(event):
            raise EventMalformed("The event's attributes are not as CloudEvents 1.0 says.", errors=wrong)
        version = self.catalogue.find_version(event["type"], event.get("dataschema"))
        if principal.participant not in version.contract.producers:
            raise NotAProducer(f"{principal.participant} is not a producer of {event['type']}.")
        return version


def _is_bearable(version: ContractVersion, body: bytes) -> bool:
    """Whether the event loop can check an event."""
    # To look for the character NUL takes as long as all else together.
    return is_bearable(version.validator.work, body) and not (len(body) > _LARGE and b"\\u0000" in body)


def _found(agreed: Agreed, data: Any, brief: bool) -> Findings:
    version = agreed.version
    if _BACKSLASH in agreed.body and (nul := nul_in(agreed.body)) is not None:
        return Findings((), None, None, nul)
    if data is None and version.is_record:
        return NOTHING_FOUND
    if not version.validator.is_valid(data):
        return Findings(version.validator.errors(data, "/data", brief=brief, memory=_MEMORY), None, None)
    return Findings((), version.key_of(data), version.person_of(data) if data is not None else None)


def _key(event: Mapping[str, Any], version: ContractVersion, findings: Findings, *, has_data: bool) -> str | None:
    """The record's key; None for an event contract."""
    if not version.is_record:
        return None
    if not has_data:
        return _key_of_deletion(event)
    key = findings.key
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


def check_size(body: bytes, version: ContractVersion) -> None:
    """Refuse an event that is larger than its contract allows."""
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
