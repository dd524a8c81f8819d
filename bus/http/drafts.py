"""Drafts over HTTP: how many versions a participant may register."""

from bus import json, limits
from bus.actions import Actor
from bus.contracts import Contract
from bus.delivery import check_filter_size
from bus.http.rooms import Rooms


def check_room(rooms: Rooms, by: Actor, contract: Contract) -> None:
    """Refuse a version when the actor registered as many as it may, or when its grants filter by too much.

    Raises:
        Full, FilterTooLarge: see there.
    """
    if by.is_operator:
        return
    allowance = rooms.limits.get(by.participant)
    for index, grant in enumerate(contract.grants):
        check_filter_size(grant.rows, allowance.policy, f"/consumers/{index}/rows")
    holding = rooms.catalogue.registrar.measure_holding(by.participant, contract)
    allowance.check_number(limits.Limit.DRAFTS, holding.drafts)
    allowance.check_number(limits.Limit.CONTRACTS, holding.versions)
    allowance.check_number(limits.Limit.CONTRACT_BYTES, holding.bytes + len(json.dumps(contract.document)))
