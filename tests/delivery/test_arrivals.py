"""What is put into the queues of this process is taken on by who listens, without a wait."""

from bus.delivery.broker import Arrivals, BrokerAddress, Handover, Received, Receiver
from bus.delivery.ledger import Lease
from tests.services.waiting import until


def test_who_listens_takes_what_comes_at_once():
    arrivals, taken = Arrivals(), list[str]()
    with arrivals.taken_by(lambda: taken.append("one")), arrivals.taken_by(lambda: taken.append("other")):
        arrivals.tell()
    assert taken == ["one", "other"]


def test_who_listens_no_more_is_not_asked():
    arrivals, taken = Arrivals(), list[str]()
    with arrivals.taken_by(lambda: taken.append("one")):
        pass
    arrivals.tell()
    assert taken == []


def test_a_run_is_received_when_its_sending_ends():
    received: list[Received] = []
    address = BrokerAddress("memory://", "arrivals")
    receiver = Receiver(address, lambda: [1], received.append)
    receiver.start()
    until(lambda: receiver.connected)
    handover = Handover(address)
    try:
        assert handover.send(Lease(1, 1_000))
        assert [one.lease for one in received] == [Lease(1, 1_000)]
    finally:
        handover.close()
        receiver.stop()
