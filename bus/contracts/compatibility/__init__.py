"""Compatibility of contract versions, decided on what their schemas mean: which data each of them takes.

`check` compares a new version with the active ones, and finds the version step that it needs. `impact` names whom it affects.
The verdict "compatible" is proven. The verdict "incompatible" on data has an example that the gate's own validator confirmed.
All else is undecided. This room reads and writes nothing.
"""

from bus.contracts.compatibility.check import STEPS as STEPS
from bus.contracts.compatibility.check import compare_versions as compare_versions
from bus.contracts.compatibility.impact import Mappings as Mappings
from bus.contracts.compatibility.impact import Standing as Standing
from bus.contracts.compatibility.impact import Touched as Touched
from bus.contracts.compatibility.impact import What as What
from bus.contracts.compatibility.impact import find_touched as find_touched
from bus.contracts.compatibility.report import Example as Example
from bus.contracts.compatibility.report import Finding as Finding
from bus.contracts.compatibility.report import Report as Report
from bus.contracts.compatibility.report import Rule as Rule
from bus.contracts.compatibility.report import Side as Side
from bus.contracts.compatibility.report import Step as Step
from bus.contracts.compatibility.report import Verdict as Verdict
from bus.contracts.compatibility.versions import find_step as find_step
