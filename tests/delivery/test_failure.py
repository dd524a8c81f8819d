import ssl
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from bus.delivery.address import ForbiddenAddress
from bus.delivery.failure import classify_error, classify_status
from bus.kit import Failure

T, P, D = Failure.TRANSIENT, Failure.PERMANENT, Failure.SINK_DOWN


def a_key(**given: Any) -> ConnectionKey:
    fields: dict[str, Any] = dict.fromkeys(ConnectionKey._fields)
    return ConnectionKey(**fields | {"host": "token-in-host.example", "port": 443, "is_ssl": True, "ssl": True} | given)


def an_expired_certificate() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate has expired"
    return error


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_an_ack(status: int):
    outcome = classify_status(status)
    assert (outcome.failure, outcome.detail, outcome.status) == (None, "", status)


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (101, D),
        *((status, D) for status in (300, 301, 302, 303, 304, 307, 308, 399)),
        (400, P),
        (401, D),
        (402, P),
        (403, D),
        (404, D),
        (405, D),
        (406, P),
        (407, D),
        (408, T),
        (409, T),
        (410, D),
        (413, P),
        (415, D),
        (418, P),
        (421, D),
        (422, P),
        (423, T),
        (425, T),
        (429, D),
        (451, P),
        (499, P),
        (500, T),
        (501, T),
        (502, D),
        (503, D),
        (504, D),
        (505, T),
        (507, D),
        (511, D),
        (520, D),
        (527, D),
        (528, T),
        (530, D),
        (599, T),
        (999, T),
    ],
)
def test_each_other_status_has_its_class(status: int, failure: Failure):
    outcome = classify_status(status)
    assert (outcome.failure, outcome.status) == (failure, status)
    assert str(status) in outcome.detail


@pytest.mark.parametrize(
    ("error", "failure", "detail"),
    [
        (aiohttp.ClientConnectorDNSError(a_key(), OSError(-2, "Name not known")), D, "host name does not resolve"),
        (aiohttp.ClientConnectorCertificateError(a_key(), an_expired_certificate()), D, "certificate has expired"),
        (aiohttp.ClientConnectorSSLError(a_key(), ssl.SSLError(1, "wrong version")), D, "does not speak TLS"),
        (aiohttp.ClientConnectorError(a_key(), ForbiddenAddress(13, "")), D, "where the bus may not connect"),
        (aiohttp.ClientConnectorError(a_key(), ConnectionRefusedError(111, "x")), D, "connection refused"),
        (aiohttp.ClientConnectorError(a_key(), OSError("Multiple exceptions")), D, "could not connect to the sink"),
        (aiohttp.ConnectionTimeoutError("https://sink.example/?token=1"), D, "could not connect to the sink in time"),
        (aiohttp.SocketTimeoutError("https://sink.example/?token=1"), D, "did not answer in time"),
        (TimeoutError(), D, "did not answer in time"),
        (aiohttp.InvalidURL("https://sink.example/?token=1"), D, "not one to connect to"),
        (aiohttp.ServerDisconnectedError(), T, "without an answer"),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), T, "without an answer"),
        (aiohttp.ClientPayloadError("token"), T, "without an answer"),
    ],
)
def test_each_error_has_its_class_and_says_what_happened(
    error: aiohttp.ClientError | TimeoutError, failure: Failure, detail: str
):
    outcome = classify_error(error)
    assert outcome.failure is failure
    assert detail in outcome.detail
    assert "token" not in outcome.detail


def test_what_the_sink_asked_to_wait_is_kept():
    assert classify_status(503, retry_after=30).retry_after == 30
