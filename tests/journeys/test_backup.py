"""A bus that is backed up while offices publish: all that was acknowledged before is in the bus that comes of it."""

import json
import threading
from pathlib import Path

from authlib.integrations.httpx_client import OAuth2Client

from tests.journeys.a_regency import a_client, an_office, an_operator, bus

WRITTEN = Path("contracts/infrastruktur/ruas-jalan.yaml")
