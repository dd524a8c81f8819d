"""Settings: what is wrong stops the start, and is named."""

import pytest

from bus.settings import SettingsWrong, load_settings


def test_hosts_of_sinks_are_a_list_in_lower_case(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BUS_SINK_HOSTS", "Bapenda.example, *.lamongan.go.id")
    assert load_settings().sink_hosts == ("bapenda.example", "*.lamongan.go.id")


@pytest.mark.parametrize("wrong", ["*", "*.", "https://bapenda.example", "bapenda.example/hook", "a.*.example", "a b"])
def test_a_host_of_sinks_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch, wrong: str):
    monkeypatch.setenv("BUS_SINK_HOSTS", wrong)
    with pytest.raises(SettingsWrong, match="BUS_SINK_HOSTS"):
        load_settings()
