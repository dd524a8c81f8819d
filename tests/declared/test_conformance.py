"""A declared adapter before the kit's conformance suite: OSS-RBA, which also pushes."""

from datetime import timedelta
from ipaddress import ip_network

import pytest

from bus.declared import DeclaredFactory, Surroundings, make_simulator
from bus.kit import Failure
from bus.kit.conformance import AdapterConformance, PushSample
from tests.declared.an_oss import DOCUMENT, IZIN, NIB, OWNER_NIK, PASSWORD, USER, send_nib

pytestmark = pytest.mark.process


class TestOss(AdapterConformance):
    """See `AdapterCase` for the attributes."""

    factory = DeclaredFactory(DOCUMENT, Surroundings(networks=[ip_network("127.0.0.0/8")]))
    simulator = make_simulator(DOCUMENT)
    settings = {"push_user": USER, "push_password": PASSWORD}
    events = {"status-izin": [IZIN]}
    questions = {"cari-nib": {"nib": NIB}}
    # The day that OSS signs ends at midnight; clocks may differ by five minutes.
    pushes = {"nib": PushSample(send_nib, lasts=timedelta(days=1, minutes=5))}
    faults = {"login": Failure.SINK_DOWN}
    persons = ("Siti Rekaan", OWNER_NIK)
