"""The doctor over HTTP: the operator alone reads what is wrong."""

import pytest

from tests.a_bus import Bus
from tests.builders import a_document, a_grant

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_the_operator_reads_what_is_wrong_and_what_helps(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", until="2000-01-01"), a_grant("bapenda")))
    made = (await bus.reader("dinas-kominfo", "admin").get("/v1/doctor")).json()
    assert "no-public-url" in [one["code"] for one in made["findings"]]
    assert all(one["do"] for one in made["findings"])
    assert made["is_well"] == all(one["urgency"] == "know" for one in made["findings"])


async def test_nobody_else_reads_it(bus: Bus):
    assert (await bus.reader("bapenda", "events.read").get("/v1/doctor")).status_code == 403
