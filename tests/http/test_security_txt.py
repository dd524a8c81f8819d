"""`/.well-known/security.txt`: a finder learns where to report."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bus.http.edge import create_edge
from bus.http.health import Health
from bus.settings import SettingsWrong, load_settings
from tests.a_bus import ADDRESS, Bus


async def asked(bus: Bus, contact: str) -> httpx.Response:
    """The answer of a bus with a contact in its settings."""
    settings = bus.rooms.settings.model_copy(update={"security_contact": contact})
    edge = create_edge(replace(bus.rooms, settings=settings), Health({}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url=ADDRESS) as client:
        return await client.get("/.well-known/security.txt")


@pytest.mark.parametrize("contact", ["mailto:csirt@lamongan.example", "https://csirt.lamongan.example/lapor"])
async def test_a_finder_is_told_where_to_report(bus: Bus, contact: str):
    answer = await asked(bus, contact)
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert fields["Contact"] == contact
    assert fields["Canonical"] == f"{ADDRESS}/.well-known/security.txt"
    expires = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=1) < expires - datetime.now(UTC) < timedelta(days=365)


async def test_a_bus_without_a_contact_says_so(bus: Bus):
    answer = await asked(bus, "")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:bus:problem:no-security-contact"


@pytest.mark.parametrize(
    "contact", ["csirt", "http://csirt.example", "mailto:a@b\nContact: mailto:c@d", "javascript:1"]
)
def test_a_contact_that_is_no_address_stops_the_start(contact: str):
    with pytest.raises(SettingsWrong, match="BUS_SECURITY_CONTACT"):
        load_settings(security_contact=contact)
