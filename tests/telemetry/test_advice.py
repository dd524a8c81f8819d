"""Every log line at warning or error tells its reader what happened and what helps."""

import ast
from collections.abc import Iterator
from pathlib import Path

import bus
from bus.telemetry.advice import ADVICE, add_advice

_LOUD = {"warning", "error", "exception", "critical"}


def _list_loud_events() -> Iterator[str]:
    """The events that the code logs at warning or above. An event that is no literal is `?` with its place."""
    for path in sorted(Path(bus.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOUD):
                continue
            if isinstance(node.func.value, ast.Name) and node.func.value.id in ("log", "logger") and node.args:
                first = node.args[0]
                yield first.value if isinstance(first, ast.Constant) else f"? {path}:{node.lineno}"


def test_every_loud_event_has_advice_and_no_advice_is_left_over():
    events = set(_list_loud_events())
    assert len(events) > 40
    assert events ^ ADVICE.keys() == set()


def test_a_loud_line_gets_advice():
    line = add_advice(None, "warning", {"event": "broker.unreachable", "level": "warning", "role": "relay"})
    assert line["role"] == "relay"
    assert "deliveries wait in the database" in line["what"]
    assert "RabbitMQ" in line["do"]


def test_a_line_that_says_itself_what_to_do_keeps_it():
    assert add_advice(None, "", {"event": "loop.held", "level": "warning", "do": "x"})["do"] == "x"


def test_quiet_lines_and_lines_of_libraries_stay_as_they_are():
    for line in ({"event": "broker.unreachable", "level": "info"}, {"event": "other", "level": "error"}):
        assert add_advice(None, "", dict(line)) == line
