"""`/.well-known/security.txt`: a finder learns where to report."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from bus.http import problems, security_txt
from bus.settings import SettingsWrong, load_settings

ISSUER = "https://bus.lamongan.example"


async def asked(contact: str) -> httpx.Response:
    app = FastAPI()
    app.state.rooms = SimpleNamespace(
        settings=load_settings(security_contact=contact), tokens=SimpleNamespace(issuer=ISSUER)
    )
    app.include_router(security_txt.router)
    problems.install(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as client:
        return await client.get("/.well-known/security.txt")


@pytest.mark.parametrize("contact", ["mailto:csirt@lamongan.example", "https://csirt.lamongan.example/lapor"])
async def test_a_finder_is_told_where_to_report(contact: str):
    answer = await asked(contact)
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert fields["Contact"] == contact
    assert fields["Canonical"] == f"{ISSUER}/.well-known/security.txt"
    expires = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=1) < expires - datetime.now(UTC) < timedelta(days=365)


async def test_a_bus_without_a_contact_says_so():
    answer = await asked("")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:bus:problem:no-security-contact"


@pytest.mark.parametrize(
    "contact", ["csirt", "http://csirt.example", "mailto:a@b\nContact: mailto:c@d", "javascript:1"]
)
def test_a_contact_that_is_no_address_stops_the_start(contact: str):
    with pytest.raises(SettingsWrong, match="BUS_SECURITY_CONTACT"):
        load_settings(security_contact=contact)
