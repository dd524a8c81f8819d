"""The ration of questions to an agency."""

import pytest

from bus.limits import Limited, Policy, Ration
from bus.storage import Storage

POLICY = Policy.model_validate({"agency_day": 2})


def test_one_office_does_not_use_up_the_regencys_quota(storage: Storage):
    ration, elsewhere = Ration(storage), Ration(storage)
    ration.take("bapenda", "kemendagri", POLICY)
    elsewhere.take("bapenda", "kemendagri", POLICY)
    with pytest.raises(Limited) as refused:
        ration.take("bapenda", "kemendagri", POLICY)
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 86_400
    ration.take("dinkes", "kemendagri", POLICY)
    ration.take("bapenda", "pupr", POLICY)


def test_a_question_that_did_not_reach_the_agency_does_not_count(storage: Storage):
    ration = Ration(storage)
    for _ in range(5):
        ration.take("bapenda", "kemendagri", POLICY)
        ration.give_back("bapenda", "kemendagri")
