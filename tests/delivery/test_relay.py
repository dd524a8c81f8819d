"""The relay: how soon it looks by itself."""

from bus.delivery.relay import idle_seconds


def test_while_a_backlog_flows_to_other_processes_it_looks_sooner():
    assert idle_seconds(0.0, is_told=False) < idle_seconds(0.0, is_told=True)


def test_a_backlog_that_does_not_flow_is_looked_at_as_seldom_as_none():
    assert idle_seconds(1.0, is_told=False) == idle_seconds(1.0, is_told=True)
