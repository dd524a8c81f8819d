"""Notices of a bus that runs: a process that is killed and started again tells nobody twice."""

import asyncio

from bus.identity.participants import Participants
from tests.a_mail_server import a_mail_server
from tests.an_actor import OPERATOR
from tests.services.agreements import CONSUMERS
from tests.services.fixtures import MakeBus
from tests.services.receiver import Receiver
from tests.services.waiting import until

TO, TIK = "bus@lamongan.example", "tik@konsumen.example"


async def test_a_killed_process_is_followed_by_one_that_tells_only_who_was_not_told(
    make_bus: MakeBus, receiver: Receiver
) -> None:
    async with a_mail_server() as server:
        settings = {"smtp_host": "127.0.0.1", "smtp_port": str(server.port), "smtp_security": "none"}
        bus = make_bus(**settings, notice_from="kabar@lamongan.example", notice_to=TO)
        bus.subscriptions.disable(bus.subscribe(receiver.sink("kabar-mati")), OPERATOR)
        process = await asyncio.to_thread(bus.start)
        await asyncio.to_thread(until, lambda: server.to(TO))
        await asyncio.to_thread(until, lambda: "notice.sent" in process.log.read_text())
        process.kill()
        # Its contact is new to the bus, and shows that the next process has looked.
        Participants(bus.storage).set_contact(CONSUMERS[0], TIK, OPERATOR)
        process = await asyncio.to_thread(bus.start)
        await asyncio.to_thread(until, lambda: server.to(TIK))
        assert len(server.to(TO)) == 1
        assert await asyncio.to_thread(process.stop) == 0
    assert TO not in process.log.read_text()
    assert TIK not in process.log.read_text()
