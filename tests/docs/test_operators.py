"""The operator's page: every setting and every metric is there."""

import re
from collections import Counter

from prometheus_client.metrics import MetricWrapperBase

from bus import telemetry
from bus.settings import Settings
from tests.contracts.documents import ROOT

PAGE = (ROOT / "docs/operators.md").read_text()
ELSEWHERE = {"adapters"}
"""Settings that docs/agencies.md tells."""


def test_every_setting_is_in_the_table_once():
    _, _, rest = PAGE.partition("## Settings")
    table, _, _ = rest.partition("\n## ")
    names = re.findall(r"^\| (`BUS_.+?`) \|", table, re.MULTILINE)
    named = Counter(re.findall(r"`BUS_(\w+?)(?:__<LIMIT>)?`", " ".join(names)))
    settings = {name.upper() for name in Settings.model_fields if name not in ELSEWHERE}
    # The log's level is an option of `bus serve`.
    assert named == Counter(settings | {"LOG_LEVEL"})


def test_every_metric_is_named():
    metrics = [one for one in vars(telemetry).values() if isinstance(one, MetricWrapperBase)]
    families = [family for one in metrics for family in one.describe()]
    names = [f"{one.name}_total" if one.type == "counter" else one.name for one in families]
    assert len(names) > 10
    assert [name for name in names if f"`{name}" not in PAGE] == []
