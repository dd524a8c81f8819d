"""The gate: what decides before what."""

from unittest.mock import Mock

import pytest

from bus.identity.tokens import Principal
from bus.journal.gate import EventTooLarge
from tests.a_bus import OWNER, WARGA, Bus, a_contract, a_person


async def test_what_is_too_large_is_refused_before_its_data_are_looked_at(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    bus.apply(a_contract(delivery={"max_bytes": 1024}))
    judged = Mock(return_value=True)
    monkeypatch.setattr(bus.rooms.catalogue.newest(WARGA).validator, "is_valid", judged)
    sender = Principal(OWNER, "client_x", frozenset(), 0, "token_x")
    event = {"specversion": "1.0", "id": "1", "source": "/uji", "type": WARGA}
    bus.rooms.gate.admit({**event, "data": a_person()}, sender)
    with pytest.raises(EventTooLarge):
        bus.rooms.gate.admit({**event, "data": a_person(nama="x" * 1024)}, sender)
    assert judged.call_count == 1
