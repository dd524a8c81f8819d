"""Mail over a real server, with and without TLS, and the webhook to a real receiver that verifies the signature."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.delivery import Names, new_webhook_secret
from bus.notices import Letter, NotSent, Recipient, Way
from bus.notices.mail import MailSender
from bus.notices.mail import MailServer as Server
from bus.notices.webhook import WebhookSender
from bus.settings import load_settings
from tests.a_certificate import a_server_context
from tests.a_mail_server import TAKEN, a_mail_server
from tests.services.receiver import Receiver, a_receiver, answers

pytestmark = pytest.mark.process

TIK = Recipient(Way.MAIL, "tik@bapenda.example", participants=frozenset({"bapenda"}))
SECRET = new_webhook_secret()
LETTER = Letter("msg_abc", "Bus data Lamongan: 1 baru – ünik", "Halo\nBadan Pendapatan – siap\n", {"new": []})


def a_sender(port: int, **changes: str) -> MailSender:
    given = {"security": "none", "user": "", "password": "", "host": "127.0.0.1"} | changes
    return MailSender(Server(port=port, sender="bus@lamongan.example", **given))  # type: ignore[arg-type]


async def test_a_letter_arrives_as_plain_text_with_its_headers() -> None:
    async with a_mail_server() as server:
        assert await a_sender(server.port).send(LETTER, TIK) == TAKEN.removeprefix("250 ")
        (message,) = server.to(TIK.address)
    assert (message["To"], message["From"], message["Subject"]) == (
        TIK.address,
        "bus@lamongan.example",
        LETTER.subject,
    )
    assert (message["Message-ID"], message["Auto-Submitted"]) == ("<msg_abc@lamongan.example>", "auto-generated")
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n") == LETTER.text


async def test_a_login_goes_over_starttls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = a_server_context(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    async with a_mail_server(starttls=context) as server:
        await a_sender(server.port, security="starttls", user="bus", password="rahasia").send(LETTER, TIK)
        with pytest.raises(NotSent, match="535"):
            await a_sender(server.port, security="starttls", user="bus", password="salah").send(LETTER, TIK)
        assert len(server.to(TIK.address)) == 1
        assert server.logins[0] == b"bus"


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_letter_goes_over_tls_from_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = a_server_context(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    async with a_mail_server(tls=context) as server:
        await a_sender(server.port, security="tls", user="bus", password="rahasia").send(LETTER, TIK)
        assert len(server.to(TIK.address)) == 1


async def test_nothing_is_sent_to_a_server_without_tls_or_with_another_certificate(tmp_path: Path) -> None:
    async with a_mail_server() as server:
        with pytest.raises(NotSent):
            await a_sender(server.port, security="starttls").send(LETTER, TIK)
        assert server.begun == 0
    async with a_mail_server(starttls=a_server_context(tmp_path, "lain.example")) as server:
        with pytest.raises(NotSent):
            await a_sender(server.port, security="starttls", user="bus", password="rahasia").send(LETTER, TIK)
        assert (server.begun, server.logins) == (0, [])


async def test_a_refusal_is_told_by_its_code_and_never_by_the_servers_words() -> None:
    async with a_mail_server() as server:
        server.refused[TIK.address] = f"550 no such user {TIK.address}"
        with pytest.raises(NotSent) as failed:
            await a_sender(server.port).send(LETTER, TIK)
    assert str(failed.value) == "the mail server answered 550"


async def test_a_server_that_is_away_is_told_without_its_address() -> None:
    async with a_mail_server() as server:
        port = server.port
    with pytest.raises(NotSent) as failed:
        await a_sender(port).send(LETTER, TIK)
    assert "127.0.0.1" not in str(failed.value)


@pytest.mark.parametrize("changes", [{"host": "mail..example"}, {"host": "x" * 64}])
async def test_a_host_that_can_be_no_name_stopped_the_whole_process(changes: dict[str, str]) -> None:
    with pytest.raises(NotSent):
        await a_sender(25, **changes).send(LETTER, TIK)


@pytest.mark.parametrize(
    "host", ["x" * 64, "127.0.0.1.1", "0x7f.1", "-", "_", "xn--a", "999999999999", "tidak-ada.invalid."]
)
async def test_no_address_that_the_settings_let_in_stops_more_than_its_letter(host: str) -> None:
    url = load_settings(notice_webhook=f"http://{host}:9/a?b=%zz", notice_webhook_secret=SECRET).notice_webhook
    sender = WebhookSender(url.get_secret_value(), SECRET, Names())
    with pytest.raises(NotSent):
        await sender.send(LETTER, Recipient(Way.WEBHOOK, is_operator=True))
    await sender.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as made:
        yield made


async def test_the_webhook_gets_a_signed_event_with_the_same_id_for_each_attempt(receiver: Receiver) -> None:
    sink = receiver.sink("kabar", answers(503))
    sink.secrets.append(new_webhook_secret())
    sender = WebhookSender(sink.url, sink.secrets[0], Names())
    forger = WebhookSender(sink.url, new_webhook_secret(), Names())
    operator = Recipient(Way.WEBHOOK, is_operator=True)
    with pytest.raises(NotSent):
        await sender.send(LETTER, operator)
    sink.answer = answers(200)
    assert await sender.send(LETTER, operator) == "status 200"
    with pytest.raises(NotSent):
        await forger.send(LETTER, operator)
    await asyncio.gather(sender.close(), forger.close())
    assert [one.message for one in sink.arrivals] == ["msg_abc", "msg_abc"]
    event = sink.taken[0].event
    assert (event["type"], event["data"]["text"], event["data"]["new"]) == ("bus.notice", LETTER.text, [])
    assert sink.forged == 1


async def test_an_address_with_a_hidden_line_break_fails_alone() -> None:
    """The bus once took such an address as a contact. A fault of any other kind would end the notices of all."""
    hidden = Recipient(Way.MAIL, "=?utf-8?q?a=0D=0ABcc=3A_c?=@bapenda.example", participants=frozenset({"bapenda"}))
    with pytest.raises(NotSent, match="mail address"):
        await a_sender(1).send(LETTER, hidden)
