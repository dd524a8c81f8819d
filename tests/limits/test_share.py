"""A share: nobody gets all of the places."""

from bus.limits import Share


def taken_by_one(share: Share, name: str) -> int:
    count = 0
    while share.admits(name):
        share.take(name)
        count += 1
    return count


def test_one_alone_gets_half_and_each_further_one_half_of_the_rest():
    share = Share(64)
    assert [taken_by_one(share, name) for name in ("a", "b", "c")] == [32, 16, 8]


def test_whoever_has_none_gets_the_last():
    share = Share(4)
    for name in ("a", "b", "c"):
        share.take(name)
    assert not share.admits("a")
    assert share.admits("d")
