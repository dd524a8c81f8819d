"""Groups of roles that pages name. They are the table of who may see and do what."""

from typing import Final

from bus.staff import Role

EVERYBODY: Final = tuple(Role)
OPERATING: Final = (Role.OPERATOR,)
SUBSCRIBING: Final = (Role.OPERATOR, Role.APP_OWNER)
"""Those who steer subscriptions. An app owner sees those of its own participant alone."""
SERVING: Final = (Role.OPERATOR, Role.SERVICE_DESK)
"""Those who answer data subjects."""
AUDITING: Final = (Role.OPERATOR, Role.AUDITOR)
OWNING: Final = (Role.APP_OWNER,)
"""Those who work on the clients and subscriptions of their own participant."""
STEWARDING: Final = (Role.OPERATOR, Role.CONTRACT_OWNER)
"""Those who answer for contracts. A contract owner sees those of its own participant alone."""
