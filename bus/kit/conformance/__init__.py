"""The conformance suite: what the bus expects of every adapter, as tests for pytest.

An adapter's package runs it by naming its factory and its simulator:

```python
from bus.kit.conformance import AdapterConformance


class TestBalai(AdapterConformance):
    factory = FACTORY
    simulator = SIMULATOR
    events = {"pintu-air": [Event(id="1", source="/uji", type="uji.pintu-air", data={"pintu": "babat", "buka": 40})]}
    questions = {"satu-pos": {"pos": "laren"}}
```

It needs pytest and the extra `simulators`. `docs/adapters.md` says what each test asks for.
"""

import pytest

# Before the modules with the tests are imported, so that a failure shows the values.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{name}"
        for name in ("case", "cursors", "declarations", "endurance", "failures", "pushes", "repetitions", "secrecy")
    )
)

from bus.kit.conformance.broken_agency import BrokenAgency as BrokenAgency  # noqa: E402
from bus.kit.conformance.case import PushSample as PushSample  # noqa: E402
from bus.kit.conformance.cursors import CursorTests  # noqa: E402
from bus.kit.conformance.declarations import DeclarationTests  # noqa: E402
from bus.kit.conformance.endurance import EnduranceTests  # noqa: E402
from bus.kit.conformance.failures import FailureTests  # noqa: E402
from bus.kit.conformance.pushes import PushTests  # noqa: E402
from bus.kit.conformance.repetitions import RepetitionTests  # noqa: E402
from bus.kit.conformance.running_agency import RunningAgency as RunningAgency  # noqa: E402
from bus.kit.conformance.secrecy import SecrecyTests  # noqa: E402


class AdapterConformance(
    DeclarationTests, RepetitionTests, FailureTests, SecrecyTests, CursorTests, EnduranceTests, PushTests
):
    """All tests. A subclass sets the attributes of `AdapterCase`."""
