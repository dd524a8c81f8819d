"""The doctor: finds what is wrong with a bus, and says what helps.

- `gather_facts` reads files, disks and the database. `Facts` holds what it read.
- `diagnose` judges facts by pure checks, and gives a `Finding` for each thing that is wrong.
"""

from bus.doctor.checks import diagnose
from bus.doctor.checkups import Checkups
from bus.doctor.facts import Facts
from bus.doctor.finding import Finding, Urgency
from bus.doctor.gather import gather_facts

__all__ = ["Checkups", "Facts", "Finding", "Urgency", "diagnose", "gather_facts"]
