from adapters.kemendagri.cache import AnswerCache


class Clock:
    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


def a_cache(*, seconds=60.0, size=10, clock=None):
    return AnswerCache(seconds, size, clock or Clock())


def test_an_answer_is_kept():
    cache = a_cache()
    cache.put("a", {"ditemukan": True})
    assert cache.get("a") == {"ditemukan": True}


def test_another_question_has_no_answer():
    cache = a_cache()
    cache.put("a", {"ditemukan": True})
    assert cache.get("b") is None


def test_an_answer_ends_with_its_time():
    clock = Clock()
    cache = a_cache(seconds=60.0, clock=clock)
    cache.put("a", {})
    clock.seconds += 60.0
    assert cache.get("a") is None


def test_the_oldest_answer_makes_room():
    cache = a_cache(size=2)
    for question in "abc":
        cache.put(question, {"q": question})
    assert [cache.get(question) for question in "abc"] == [None, {"q": "b"}, {"q": "c"}]


def test_an_answer_put_again_is_the_newest():
    cache = a_cache(size=2)
    for question in "abac":
        cache.put(question, {"q": question})
    assert cache.get("a") == {"q": "a"}
    assert cache.get("b") is None


def test_no_time_keeps_nothing():
    cache = a_cache(seconds=0)
    cache.put("a", {})
    assert cache.get("a") is None
