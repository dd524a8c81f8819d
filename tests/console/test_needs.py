"""Needs: what the doctor finds is told in people's words."""

from datetime import UTC, datetime

from bus.console.needs import list_needs
from bus.console.words import find_words
from bus.doctor import Finding, Urgency
from bus.status import Status

NOTHING = Status(datetime.now(UTC), "0.1.0", None, [], [], [], [])


def test_an_adapter_that_is_off_is_told_in_both_languages() -> None:
    finding = Finding(Urgency.SOON, "adapter-off", "contoh", "It is off.", "Give the settings.")
    (said,) = list_needs(NOTHING, [finding], find_words("id"))
    assert (said.text.startswith("Adaptor contoh belum bekerja"), said.is_untold) == (True, False)
    (said,) = list_needs(NOTHING, [finding], find_words("en"))
    assert said.text.startswith("The adapter contoh is off")
