"""Parameters in paths, as the OpenAPI document describes them.

The patterns only document: what does not match names nothing, and is answered with 404 like any other unknown name.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Path

_CONTRACT: Final = "^[a-z][a-z0-9-]*(\\.[a-z][a-z0-9-]*)+$"


def _name(description: str, example: str, pattern: str, longest: int) -> tuple[str, str, dict[str, Any]]:
    return description, example, {"type": "string", "pattern": pattern, "minLength": 1, "maxLength": longest}


_CONTRACT_NAME: Final = _name("the contract's name", "perizinan.izin", _CONTRACT, 255)
_ADAPTER: Final = _name("the adapter's name", "splp", "^[a-z][a-z0-9]*$", 30)
_VERSION: Final = _name("the version", "1.0.0", "^[0-9]+\\.[0-9]+\\.[0-9]+$", 64)
_PARTICIPANT: Final = _name("the participant's name", "bapenda", "^[a-z][a-z0-9-]{1,62}$", 63)
_DOMAIN: Final = _name("the domain's name: the first part of contracts' names", "kesehatan", "^[a-z][a-z0-9-]*$", 98)
_STAFF: Final = _name("the account's name", "siti", "^[a-z][a-z0-9-]{1,62}$", 63)
_CLIENT: Final = _name("the client's id", "client_k3v5m2qa7xw4c6dnb5ty", "^client_[a-z2-7]{20}$", 27)
_SUBSCRIPTION: Final = _name("the subscription's id", "sub_k3v5m2qa7xw4c6dnb5ty", "^sub_[a-z0-9]+$", 63)
_DELIVERY: Final = _name(
    "the subscription's id, a dot and the event's position",
    "sub_k3v5m2qa7xw4c6dnb5ty.1200",
    "^sub_[a-z0-9]+\\.[0-9]{1,18}$",
    82,
)
_JOB: Final = _name("the job's id", "job_k3v5m2qa7xw4c6dnb5ty", "^job_[a-z2-7]{20}$", 24)
_ACCESS_REQUEST: Final = _name("the id of the request for access", "acc_k3v5m2qa7xw4c6dnb5ty", "^acc_[a-z2-7]{20}$", 24)
_KEY: Final = (
    "the record's key; a slash in it may stand as it is",
    "3524010101909001",
    {"type": "string", "minLength": 1, "maxLength": 1024},
)


def _path(name: tuple[str, str, dict[str, Any]]) -> Any:
    description, example, schema = name
    return Path(description=description, json_schema_extra=schema, examples=[example])


ContractName = Annotated[str, _path(_CONTRACT_NAME)]
AdapterName = Annotated[str, _path(_ADAPTER)]
Version = Annotated[str, _path(_VERSION)]
ParticipantName = Annotated[str, _path(_PARTICIPANT)]
DomainName = Annotated[str, _path(_DOMAIN)]
StaffName = Annotated[str, _path(_STAFF)]
ClientId = Annotated[str, _path(_CLIENT)]
SubscriptionId = Annotated[str, _path(_SUBSCRIPTION)]
DeliveryId = Annotated[str, _path(_DELIVERY)]
JobId = Annotated[str, _path(_JOB)]
AccessRequestId = Annotated[str, _path(_ACCESS_REQUEST)]

DOCUMENTED: Final[Mapping[str, Mapping[str, Any]]] = {
    name: {"description": description, "schema": schema, "example": example}
    for name, (description, example, schema) in {"contract": _CONTRACT_NAME, "key": _KEY}.items()
}
"""The path parameters of routes that are not FastAPI's, by name."""
