"""An outage of the broker in the log: told at once, then rarely, and told when it ends."""

from structlog.testing import capture_logs

from bus.delivery.handover.outage import Outage


def test_a_broker_that_stays_away_is_told_ever_more_rarely():
    now = [0.0]
    outage = Outage("relay", lambda: now[0])
    with capture_logs() as lines:
        for tenth in range(36_000):
            now[0] = tenth / 10
            outage.note(OSError())
    told = [line["since_seconds"] for line in lines]
    assert told[:4] == [0, 10, 30, 70]
    assert len(told) < 15
    assert {(line["event"], line["role"], line["error"]) for line in lines} == {
        ("broker.unreachable", "relay", "OSError")
    }


def test_each_outage_is_told_and_its_end_once():
    outage = Outage("bell", lambda: 5.0)
    with capture_logs() as lines:
        outage.end()
        for _ in range(2):
            outage.note(OSError())
            outage.note(OSError())
            outage.end()
            outage.end()
    assert [line["event"] for line in lines] == ["broker.unreachable", "broker.reached"] * 2
