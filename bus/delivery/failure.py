"""What a sink's answer, or the lack of one, means: the table of failure classes.

The question behind each row is what the failure concerns.

- *This event* (PERMANENT): the same bytes fail the same way again.
- *This attempt* (TRANSIENT): a later attempt may succeed.
- *Every event for this sink* (SINK_DOWN): nothing succeeds until somebody repairs the sink, its address or its account. The
  circuit opens, and deliveries wait.
"""

import os
import ssl
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import aiohttp

from bus.delivery.address import ForbiddenAddress
from bus.kit import Failure, Outcome

_STATUS: dict[int, tuple[Failure, str]] = {
    # A moved or fenced-off sink (maintenance pages, logins) concerns every event, so a redirect must not kill a backlog.
    **dict.fromkeys(
        (300, 301, 302, 303, 304, 307, 308),
        (Failure.SINK_DOWN, "redirects are not followed; register the final address"),
    ),
    # The sink's operator mends these, and what waited is then delivered.
    401: (Failure.SINK_DOWN, "it wants credentials that webhooks do not carry; verify the signature instead"),
    403: (Failure.SINK_DOWN, "it does not let the bus in; check its firewall and its signature secret"),
    404: (Failure.SINK_DOWN, "nothing answers at this path; check the address"),
    405: (Failure.SINK_DOWN, "it takes no POST at this path; check the address"),
    407: (Failure.SINK_DOWN, "a proxy in front of it wants credentials"),
    415: (Failure.SINK_DOWN, "it does not take application/cloudevents+json"),
    421: (Failure.SINK_DOWN, "the server does not serve this host; check the address"),
    # Standard Webhooks, and CloudEvents' webhooks 2.2: it wants no more events. The worker disables the subscription.
    HTTPStatus.GONE: (Failure.SINK_DOWN, "it wants no more events"),
    408: (Failure.TRANSIENT, "it waited too long for the request"),
    # Some apps answer 409 for a lock or a race; a true duplicate they should ack.
    409: (Failure.TRANSIENT, "it is in conflict at the moment; a duplicate should be answered with 2xx"),
    423: (Failure.TRANSIENT, "what the event concerns is locked there"),
    425: (Failure.TRANSIENT, "too early"),
    # Counted against the sink: trying the rest of the backlog one by one is what it asks not to do.
    429: (Failure.SINK_DOWN, "it is sent too much at once"),
    # A gateway's words for an app that is not there, whatever the event.
    **dict.fromkeys((502, 503, 504), (Failure.SINK_DOWN, "the app behind it does not answer")),
    # Cloudflare's words for the same.
    **dict.fromkeys(range(520, 528), (Failure.SINK_DOWN, "the app behind it does not answer")),
    530: (Failure.SINK_DOWN, "the app behind it does not answer"),
    507: (Failure.SINK_DOWN, "its storage is full"),
    511: (Failure.SINK_DOWN, "the network in front of it wants a login"),
}
"""Statuses that have a meaning of their own; the others go by their hundred."""


UNLISTED: Final = Outcome(Failure.SINK_DOWN, "the sink's host is not on the operator's list (BUS_SINK_HOSTS)")
"""The operator took the host off the list after the sink was registered. What waits goes out when the host is back."""


def classify_status(status: int, retry_after: float | None = None, answer: bytes = b"") -> Outcome:
    """The outcome of a delivery that was answered with this HTTP status.

    Args:
        retry_after: seconds, as the answer's `Retry-After` said.
        answer: the beginning of the answer's body.
    """
    if 200 <= status < 300:
        return _make_delivered(status)
    failure, meaning = _STATUS.get(status) or _classify_by_hundred(status)
    return Outcome(failure, f"the sink answered {_name_status(status)}: {meaning}", retry_after, status, answer=answer)


@lru_cache
def _make_delivered(status: int) -> Outcome:
    # There is one for each delivery, and all are the same.
    return Outcome(status=status)


def _classify_by_hundred(status: int) -> tuple[Failure, str]:
    if status >= 500:
        # Transient, not sink down: usually the app fails on this one event, which must not hold up the others.
        return Failure.TRANSIENT, "it failed inside"
    if status >= 400:
        return Failure.PERMANENT, "it refuses this event"
    return Failure.SINK_DOWN, "this is no answer to a webhook"


def _name_status(status: int) -> str:
    # The standard's phrase, never the sink's own: that could hold anything.
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def classify_error(error: aiohttp.ClientError | TimeoutError) -> Outcome:
    """The outcome of a delivery that got no answer. The detail never holds the address: it can carry a token."""
    failure, detail = _find_failure(error)
    return Outcome(failure, detail)


def _find_failure(error: aiohttp.ClientError | TimeoutError) -> tuple[Failure, str]:
    match error:
        case aiohttp.ClientConnectorDNSError():
            # Never final: names come back (a lapsed domain, a resolver that is down).
            return Failure.SINK_DOWN, "the sink's host name does not resolve"
        case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as reason):
            return Failure.SINK_DOWN, f"the sink's certificate is not valid: {reason.verify_message}"
        case aiohttp.ClientSSLError():
            return Failure.SINK_DOWN, "the sink does not speak TLS as it should"
        case aiohttp.ClientConnectorError(os_error=ForbiddenAddress()):
            return Failure.SINK_DOWN, "the sink's host name leads to an address where the bus may not connect"
        case aiohttp.ClientConnectorError(errno=int(number)):
            return Failure.SINK_DOWN, f"could not connect to the sink: {os.strerror(number).lower()}"
        case aiohttp.ClientConnectorError():
            return Failure.SINK_DOWN, "could not connect to the sink"
        case aiohttp.ConnectionTimeoutError():
            return Failure.SINK_DOWN, "could not connect to the sink in time"
        case TimeoutError():
            return Failure.SINK_DOWN, "the sink did not answer in time"
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return Failure.SINK_DOWN, "the sink's address is not one to connect to; register it anew"
        case aiohttp.ClientResponseError():
            return Failure.SINK_DOWN, "the sink's answer is not HTTP; check the address"
        case _:
            return Failure.TRANSIENT, "the sink closed the connection without an answer"
