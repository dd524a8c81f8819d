"""Tells the operator at the start which domains of contracts have no owner. After an upgrade from before domains, none has."""

import structlog

from bus.contracts import Catalogue

log = structlog.get_logger(__name__)

_MOST = 20
"""Names in one line."""


def tell_of_unowned_domains(catalogue: Catalogue) -> None:
    """Write one line if contracts are in domains that nobody owns. It reads the database: call it from a thread."""
    names = [one.name for one in catalogue.registrar.read_domains() if one.owner is None]
    if names:
        log.info(
            "domains.without_owner",
            count=len(names),
            domains=names[:_MOST],
            detail="The operator alone proposes and activates contracts in them. `bus domain set NAME --owner PARTICIPANT`"
            " gives a domain to an office.",
        )
