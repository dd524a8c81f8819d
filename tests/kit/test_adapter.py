"""What the kit does for adapters that send one event a request."""

from bus.kit import DELIVERED, AgencyFault, Event, Failure, deliver_one_by_one


def an_event(name: str) -> Event:
    return Event(id=name, source="/uji", type="uji.pesan", data={"nama": name})


async def test_an_event_that_the_agency_refuses_does_not_keep_the_others_from_it():
    sent: list[str] = []

    async def send(event: Event) -> None:
        if event.id == "2":
            raise AgencyFault(Failure.PERMANENT, "unknown code", status=422)
        sent.append(event.id)

    outcomes = await deliver_one_by_one([an_event("1"), an_event("2"), an_event("3")], send)
    assert sent == ["1", "3"]
    assert (outcomes[0], outcomes[2]) == (DELIVERED, DELIVERED)
    assert (outcomes[1].failure, outcomes[1].status) == (Failure.PERMANENT, 422)
