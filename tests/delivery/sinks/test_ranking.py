"""A ranking knows a key with the highest count, as if it had counted anew each time."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bus.delivery.sinks.ranking import Ranking


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcd"))))
def test_the_highest_is_the_highest_whatever_was_added_and_removed(moves: list[tuple[bool, str]]):
    ranking: Ranking[str] = Ranking()
    counts: Counter[str] = Counter()
    for is_added, key in moves:
        if is_added:
            ranking.add(key)
            counts[key] += 1
        elif counts[key]:
            ranking.remove(key)
            counts[key] -= 1
        highest = ranking.highest()
        assert (ranking.count(highest) if highest is not None else 0) == max(counts.values(), default=0)
        assert len(ranking) == len(+counts)


def test_of_equals_the_first_one_there_is_the_highest():
    ranking: Ranking[str] = Ranking()
    for key in "ab":
        ranking.add(key)
    assert ranking.highest() == "a"
    ranking.remove("a")
    ranking.add("a")
    assert ranking.highest() == "b"
