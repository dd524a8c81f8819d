"""The mapper: an expression that loops, allocates or recurses ends alone, and costs nobody else anything."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bus.declared.document import Rule
from bus.declared.mapper import Mapper, Program
from bus.heavy import Bounds, Here, Processes, Shares
from bus.kit import AgencyFault

pytestmark = pytest.mark.process

LOOPS = "($f := function($x) {$f($x)}; $f(1))"
RECURSES = "($f := function($x) {1 + $f($x)}; $f(1))"
ALLOCATES = '($f := function($x) {$f($x & $x)}; $f("aaaa"))'
BACKTRACKS = '$match("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", /(a+)+$/)'
NESTED = "(" * 4000 + "1" + ")" * 4000
ROWS = [{"id": number} for number in range(5)]


@pytest.fixture
async def mapper() -> AsyncIterator[Mapper]:
    made = Mapper("uji")
    yield made
    await made.close()


async def test_a_row_that_does_not_end_within_its_bounds_ends_alone(mapper: Mapper):
    for text, error in [(LOOPS, "late"), (RECURSES, "deep"), (BACKTRACKS, "late"), (ALLOCATES, "heavy")]:
        found = await mapper.evaluate(Program({"x": f"id = 3 ? {text} : id"}), ROWS)
        wanted = [(0, ""), (1, ""), (2, ""), (None, error), (4, "")]
        assert [(one["x"].value, one["x"].error) for one in found] == wanted, text


async def test_an_expression_that_is_nested_too_deep_ends_alone(mapper: Mapper):
    (found,) = await mapper.evaluate(Program({"x": NESTED, "y": "id"}), ROWS[:1])
    assert (found["x"].error, found["y"].value) == ("deep", 0)


async def test_other_mappings_go_on_while_one_loops(mapper: Mapper):
    other = Mapper("lain")
    await asyncio.gather(other.evaluate(Program({"x": "id"}), ROWS), mapper.evaluate(Program({"x": "id"}), ROWS))
    looping = asyncio.create_task(mapper.evaluate(Program({"x": LOOPS}), ROWS[:1]))
    done = 0
    while not looping.done():
        await other.evaluate(Program({"x": "id"}), ROWS)
        done += 1
    await other.close()
    # The loop has half a second of processor time, in which the other adapter maps hundreds of rows.
    assert done > 10


async def test_several_rows_that_end_their_worker_end_the_call_and_not_the_mapper():
    mapper = Mapper("uji", Processes(Shares(2, 2), Bounds(seconds=5.0, memory=96 * 1024 * 1024)))
    with pytest.raises(AgencyFault, match="several rows"):
        await mapper.evaluate(Program({"x": ALLOCATES}), ROWS)
    assert (await mapper.evaluate(Program({"x": "id"}), ROWS))[4]["x"].value == 4
    with pytest.raises(AgencyFault, match="too much memory"):
        await mapper.judge(Program({}), [], status=200, headers={}, body=b"{}", rows=ALLOCATES)
    await mapper.close()


@pytest.mark.parametrize("condition", ["status + 1 > 0", "status", "1", "tiada", "null"])
async def test_a_condition_that_fails_or_does_not_say_true_does_not_fit(condition: str):
    mapper = Mapper("uji", Here())
    rules = [Rule(when=condition, means="success"), Rule(status=["2xx"], means="permanent")]
    judged = await mapper.judge(Program({}), rules, status=200, headers={}, body=b'{"status": "x"}')
    assert judged.rule is rules[1]


async def test_messages_are_for_authors_alone(mapper: Mapper):
    program = Program({"x": "$error(nama)"})
    (found,) = await mapper.evaluate(program, [{"nama": "Siti"}])
    assert (found["x"].message, "Siti" in found["x"].describe()) == ("", False)
    author = Mapper("uji", explain=True)
    (found,) = await author.evaluate(program, [{"nama": "Siti"}])
    await author.close()
    assert "Siti" in found["x"].describe()
