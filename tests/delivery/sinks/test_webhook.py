import asyncio
import gzip
import json
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook

from bus.delivery.signature import Signer, new_secret
from bus.delivery.sinks.aiohttp_inside import DRAIN_BYTES
from bus.delivery.sinks.connection import CONNECTIONS_PER_HOST
from bus.delivery.sinks.webhook import WebhookSink, make_trace_headers
from bus.kit import Failure, Outcome
from tests.delivery.sinks.a_receiver import (
    BODY,
    LOOPBACK,
    OK,
    Answer,
    Pours,
    a_receiver,
    a_sink,
    closes,
    drips,
    hangs,
    resets,
    says,
    the_outcome,
)


async def test_the_app_gets_the_event_and_can_verify_who_sent_it():
    secret = new_secret()
    headers = Signer([secret]).headers("dlv_1", BODY, datetime.now(UTC))
    async with a_receiver() as receiver, a_sink() as sink:
        outcome = await sink.send(receiver.address, BODY, headers)
    (got, body), *more = receiver.requests
    assert outcome == Outcome(status=200)
    assert not more
    assert body == BODY
    assert Webhook(secret).verify(body, got) == json.loads(BODY)
    assert got["content-type"] == "application/cloudevents+json"
    assert got["user-agent"] == "bus-lamongan"


async def test_the_trace_goes_on_to_the_app():
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with a_receiver() as receiver, a_sink() as sink:
        await sink.send(receiver.address, BODY, make_trace_headers(traceparent))
    assert receiver.requests[0][0]["traceparent"] == traceparent


@pytest.mark.parametrize("traceparent", [None, "", 7, "00-zz", "00-" + "a" * 32 + "-" + "b" * 16 + "-01\r\nx: y"])
def test_what_is_no_traceparent_is_not_sent(traceparent: object):
    assert make_trace_headers(traceparent) == {}


@pytest.mark.parametrize("status", [b"200 OK", b"202 Accepted", b"204 No Content", b"299 Odd"])
async def test_any_2xx_is_an_ack(status: bytes):
    outcome = await the_outcome(says(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"))
    assert outcome.failure is None


async def test_a_sink_that_is_busy_says_when_to_come_back():
    outcome = await the_outcome(says(b"HTTP/1.1 503 rahasia\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"))
    assert (outcome.failure, outcome.status, outcome.retry_after) == (Failure.SINK_DOWN, 503, 120)


async def test_a_sinks_explanation_is_not_repeated_as_it_could_hold_the_payload():
    refusal = b"HTTP/1.1 422 rahasia\r\nContent-Length: 7\r\n\r\nrahasia"
    outcome = await the_outcome(says(refusal))
    assert (outcome.failure, outcome.status) == (Failure.PERMANENT, 422)
    assert "rahasia" not in outcome.detail


async def test_a_redirect_to_the_metadata_address_is_not_followed():
    location = b"http://169.254.169.254/latest/meta-data?token=rahasia"
    outcome = await the_outcome(says(b"HTTP/1.1 307 Moved\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"))
    assert (outcome.failure, outcome.status) == (Failure.SINK_DOWN, 307)
    assert "redirects are not followed" in outcome.detail


async def test_a_redirect_within_the_sink_is_not_followed_either():
    redirect = says(b"HTTP/1.1 307 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n")
    async with a_receiver(redirect, says(OK)) as receiver, a_sink() as sink:
        await sink.send(receiver.address, BODY, {})
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("answer", "failure", "detail"),
    [
        (resets, Failure.TRANSIENT, "closed the connection"),
        (closes, Failure.TRANSIENT, "closed the connection"),
        (says(b"HTTP/1.1 200"), Failure.SINK_DOWN, "in time"),
        (says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), Failure.SINK_DOWN, "not HTTP"),
        (hangs, Failure.SINK_DOWN, "did not answer in time"),
        (drips, Failure.SINK_DOWN, "did not answer in time"),
    ],
)
async def test_a_sink_that_misbehaves_is_a_failure_of_its_class(answer: Answer, failure: Failure, detail: str):
    outcome = await the_outcome(answer, seconds=0.5)
    assert outcome.failure is failure
    assert detail in outcome.detail


async def test_a_sink_that_is_not_there_is_down():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with a_sink() as sink:
        outcome = await sink.send(f"http://127.0.0.1:{port}/", BODY, {})
    assert outcome == Outcome(Failure.SINK_DOWN, "could not connect to the sink: connection refused")


async def test_a_name_that_does_not_resolve_is_not_final():
    async with a_sink() as sink:
        outcome = await sink.send("https://no-such-sink.invalid/", BODY, {})
    assert outcome == Outcome(Failure.SINK_DOWN, "the sink's host name does not resolve")


async def test_an_ack_counts_even_if_its_body_never_ends():
    slow = says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"half")
    async with a_receiver(slow) as receiver, a_sink(seconds=600) as sink, asyncio.timeout(5):
        outcome = await sink.send(receiver.address, BODY, {})
    assert outcome == Outcome(status=200)


async def test_an_ack_counts_even_if_its_body_breaks_off():
    async def breaks_off(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        await writer.drain()
        writer.close()

    assert (await the_outcome(breaks_off)).failure is None


async def test_a_huge_answer_is_cut_off_and_does_not_hold_up_the_next_delivery():
    pours = Pours()
    async with a_receiver(pours, says(OK)) as receiver, a_sink() as sink:
        outcomes = [await sink.send(receiver.address, BODY, {}) for _ in range(2)]
    assert outcomes == [Outcome(status=200)] * 2
    assert receiver.connections == 2
    # What the sockets' buffers hold, and no more.
    assert pours.poured < 32 * 1024 * 1024


async def test_a_compressed_answer_is_not_unpacked():
    bomb = gzip.compress(b"0" * 100 * DRAIN_BYTES)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with a_receiver(says(head, bomb)) as receiver, a_sink() as sink:
        for _ in range(2):
            await sink.send(receiver.address, BODY, {})
    # Read in full on one connection, since it is short as it comes.
    assert receiver.connections == 1


@pytest.mark.parametrize(
    "answer", [says(OK), says(OK[:-2], b"ok"), says(b"HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\n", b"no")]
)
async def test_a_connection_is_used_again(answer: Answer):
    async with a_receiver(answer) as receiver, a_sink() as sink:
        for _ in range(20):
            await sink.send(receiver.address, BODY, {})
    assert (len(receiver.requests), receiver.connections) == (20, 1)


async def test_a_cookie_of_one_answer_is_not_told_in_the_next_request():
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=1\r\nContent-Length: 0\r\n\r\n"
    async with a_receiver(says(answer), name="localhost") as receiver, a_sink() as sink:
        for _ in range(2):
            await sink.send(receiver.address, BODY, {})
    assert "cookie" not in receiver.requests[1][0]


async def test_many_deliveries_that_hang_at_one_sink_hold_up_no_other():
    full = asyncio.Barrier(CONNECTIONS_PER_HOST + 1)

    async def fills_up(writer: asyncio.StreamWriter) -> None:
        await full.wait()
        await hangs(writer)

    async with a_receiver(fills_up) as slow, a_receiver(name="localhost") as quick, a_sink() as sink:
        stuck = [asyncio.create_task(sink.send(slow.address, BODY, {})) for _ in range(2 * CONNECTIONS_PER_HOST)]
        await full.wait()
        outcome = await sink.send(quick.address, BODY, {})
        assert (outcome.failure, [task for task in stuck if task.done()]) == (None, [])
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_request_reaches_a_forbidden_address_however_it_is_named(scheme: str, name: str):
    async with a_receiver(name=name) as receiver, a_sink(allowed=()) as sink:
        outcome = await sink.send(receiver.address.replace("http", scheme, 1), BODY, {})
    assert outcome == Outcome(
        Failure.SINK_DOWN, "the sink's host name leads to an address where the bus may not connect"
    )
    assert receiver.connections == 0


async def test_no_request_reaches_a_host_that_the_operator_took_off_the_list():
    async with a_receiver(name="localhost") as receiver:
        for hosts, failed in [(("bapenda.example",), True), (("localhost",), False)]:
            sink = WebhookSink(LOOPBACK, hosts=hosts)
            outcome = await sink.send(receiver.address, BODY, {})
            assert (outcome.failure is Failure.SINK_DOWN, outcome.is_unsent) == (failed, failed)
            assert (receiver.connections, "BUS_SINK_HOSTS" in outcome.detail) == (int(not failed), failed)
            await sink.close()


async def test_plain_http_does_not_leave_the_allowed_networks_whatever_the_name_leads_to():
    async with a_sink(seconds=0.5) as sink:
        outcome = await sink.send("http://8.8.8.8/", BODY, {})
    assert "may not connect" in outcome.detail


async def test_a_host_that_no_library_can_decode_broke_off_every_run_of_its_subscription():
    async with a_sink() as sink:
        outcome = await sink.send("https://xn--/hook", BODY, {})
    assert outcome.failure is not None


async def test_a_number_that_stands_for_an_address_is_no_sink():
    async with a_receiver(name="2130706433") as receiver, a_sink(allowed=()) as sink:
        outcome = await sink.send(receiver.address, BODY, {})
    assert outcome.failure is Failure.SINK_DOWN
    assert receiver.connections == 0


async def test_a_sink_with_a_certificate_that_is_trusted_gets_its_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tls = a_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    async with a_receiver(tls=tls, name="localhost") as receiver, a_sink() as sink:
        outcome = await sink.send(receiver.address, BODY, {})
    assert outcome == Outcome(status=200)


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path):
    async with a_receiver(tls=a_certificate(tmp_path), name="localhost") as receiver, a_sink() as sink:
        outcome = await sink.send(receiver.address, BODY, {})
    assert outcome == Outcome(Failure.SINK_DOWN, "the sink's certificate is not valid: self-signed certificate")
    assert receiver.requests == []


async def test_a_certificate_of_another_host_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tls = a_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    async with a_receiver(tls=tls, name="127.0.0.1") as receiver, a_sink() as sink:
        outcome = await sink.send(receiver.address, BODY, {})
    assert outcome.failure is Failure.SINK_DOWN
    assert "certificate is not valid" in outcome.detail


async def test_an_https_address_that_speaks_no_tls_is_down():
    async with a_receiver(says(OK)) as receiver, a_sink(seconds=0.5) as sink:
        outcome = await sink.send(receiver.address.replace("http", "https", 1), BODY, {})
    assert outcome.failure is Failure.SINK_DOWN


def a_certificate(folder: Path, name: str = "localhost") -> ssl.SSLContext:
    """A server's context with a self-signed certificate, which is left in `cert.pem` for who wants to trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
