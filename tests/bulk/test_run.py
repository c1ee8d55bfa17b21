"""A bulk run asks every row once, writes each outcome once, and counts them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.bulk.jobs import asked, by_key, make_chain, question, read, rows
from tests.helpers import run_apart

from prill import bulk
from prill.caches import SQLiteCache
from prill.errors import BulkError, ConfigError
from prill.runnables import Runnable, RunnableLambda, RunnableParallel
from prill.testing import Faults, ReplayServer, Reply

pytestmark = pytest.mark.usefixtures("folder")


def test_each_row_is_asked_once_and_written_once(chain: Any, server: ReplayServer) -> None:
    report = bulk.run(chain, rows(50), "out.jsonl", key="id")
    assert (report.done, report.failed, report.rows) == (50, 0, 50)
    assert set(asked(server).values()) == {1}
    assert by_key("out.jsonl")["r7"]["output"] == "Label text 7"


def test_a_run_needs_no_engine_and_no_pyarrow() -> None:
    code = (
        "import sys, asyncio\nfrom prill import bulk\nfrom prill.runnables import RunnableLambda\n"
        "bulk.run(RunnableLambda(lambda x: x), [1, 2], None)\n"
        "print(*sorted({'ray', 'dask', 'distributed', 'pyarrow', 'redis', 'cloudpickle'} & set(sys.modules)))"
    )
    cheap = "import sys, prill, prill.bulk; print(*sorted({'asyncio', 'sqlite3', 'ray'} & set(sys.modules)))"
    assert run_apart({"run": code, "import": cheap}) == {"run": "", "import": ""}


def test_the_outcome_has_its_facts(chain: Any, server: ReplayServer) -> None:
    server.reply("good", usage=(10, 5))
    bulk.run(chain, rows(1), "out.jsonl", key="id", keep=["text"], prices={"small": (1.0, 2.0)})
    (line,) = read("out.jsonl")
    assert line.pop("seconds") > 0
    assert line == {
        **{"id": "r0", "text": "text 0", "output": "good", "error": None, "error_type": None, "place": "row 0"},
        **{"attempts": 1, "model": "small", "input_tokens": 10, "output_tokens": 5, "cached_tokens": 0},
        "cost": 20e-6,
    }


def test_a_key_is_a_column_a_function_or_the_position(chain: Any) -> None:
    for name, key in (("column", "id"), ("function", lambda row: row["id"].upper()), ("position", None)):
        bulk.run(chain, rows(2), f"{name}.jsonl", key=key)
    assert set(by_key("column.jsonl")) == {"r0", "r1"}
    assert set(by_key("function.jsonl", "key")) == {"R0", "R1"}
    assert set(by_key("position.jsonl", "key")) == {0, 1}


def test_an_input_is_a_column_or_a_function(server: ReplayServer) -> None:
    chain = make_chain(server.openai_url)
    bulk.run({"text": RunnableLambda(str.upper)} | chain, rows(1), "column.jsonl", key="id", input="text")
    bulk.run(chain, rows(1), "function.jsonl", key="id", input=lambda row: {"text": row["id"]})
    assert set(asked(server)) == {"Label TEXT 0", "Label r0"}


@pytest.mark.parametrize("apart", [1, 30])
def test_equal_keys_are_an_error_that_names_both_rows(chain: Any, apart: int) -> None:
    given = [*rows(apart), {"id": "r0", "text": "again"}]
    with pytest.raises(ConfigError, match=f"two rows have the key 'r0': row 0 and row {apart}"):
        bulk.run(chain, given, "out.jsonl", key="id", max_concurrency=4)


def test_equal_keys_are_found_among_rows_of_earlier_runs(chain: Any) -> None:
    bulk.run(chain, rows(3), "out.jsonl", key="id", checkpoint="run")
    with pytest.raises(ConfigError, match="two rows have the key 'r1'"):
        bulk.run(chain, [*rows(3), *rows(2)[1:]], "out.jsonl", key="id", checkpoint="run")


def test_a_row_that_fails_is_a_line_with_its_error(chain: Any, server: ReplayServer) -> None:
    @server.replies
    def answer(request: Any) -> Reply | None:
        return Reply(faults=Faults(status=400)) if question(request).endswith("text 3") else None

    report = bulk.run(chain, rows(6), "out.jsonl", key="id")
    assert (report.done, report.failed) == (5, 1)
    line = by_key("out.jsonl")["r3"]
    assert line["error_type"] == "ModelInvalidRequestError"
    assert line["attempts"] == 1
    assert "output" not in line


def test_limit_and_sample_take_a_part_of_the_rows(chain: Any, server: ReplayServer) -> None:
    report = bulk.run(chain, rows(30), "first.jsonl", key="id", limit=4)
    assert set(by_key("first.jsonl")) == {"r0", "r1", "r2", "r3"}
    assert report.rows == 4
    report = bulk.run(chain, rows(30), "sample.jsonl", key="id", sample=4)
    assert (report.done, report.skipped, report.rows) == (4, 26, 30)
    chosen = set(by_key("sample.jsonl"))
    bulk.run(chain, rows(30), "again.jsonl", key="id", sample=4)
    assert set(by_key("again.jsonl")) == chosen
    assert server.request_count == 12


def test_a_sample_of_an_iterator_is_refused(chain: Any) -> None:
    with pytest.raises(ConfigError, match="reads the source twice"):
        bulk.run(chain, iter(rows(3)), None, sample=2)


def test_a_generator_is_read_no_further_than_there_is_room(chain: Any, server: ReplayServer) -> None:
    ahead = []
    ended: list[Any] = []

    def source() -> Any:
        for row in rows(60):
            ahead.append(int(row["id"][1:]) - len(ended))
            yield row

    bulk.run(chain, source(), ended.append, key="id", max_concurrency=5)
    written = 0

    async def count() -> None:
        nonlocal written
        stream = bulk.stream(chain, source(), key="id", max_concurrency=5)
        async for _ in stream:
            written += 1
            ended.append(None)

    ahead.clear()
    ended.clear()
    asyncio.run(count())
    assert written == 60
    assert max(ahead) <= 5 * 2 + 2  # those in flight, and those that the consumer has not taken


def test_stream_gives_keys_and_results_as_they_are_done(chain: Any) -> None:
    async def collect() -> dict[Any, Any]:
        return {key: result async for key, result in bulk.stream(chain, rows(5), key="id")}

    results = asyncio.run(collect())
    assert {key: result.output for key, result in results.items()} == {f"r{n}": f"Label text {n}" for n in range(5)}
    assert results["r0"].attempts == 1


def test_leaving_a_stream_cancels_what_is_in_flight(own_server: ReplayServer) -> None:
    own_server.replies(lambda request: None if question(request).endswith(" 0") else _never())
    chain = make_chain(own_server.openai_url)

    async def leave() -> None:
        stream = bulk.stream(chain, rows(100), key="id", max_concurrency=8)
        async for _ in stream:
            break
        await stream.aclose()

    asyncio.run(leave())
    assert own_server.wait_closed(10)
    seen = own_server.request_count
    assert own_server.closed_early == seen - 1
    assert seen <= 9


def _never() -> Reply:
    return Reply("late", faults=Faults(first_delay=600))


def test_an_async_iterable_is_a_source(chain: Any) -> None:
    async def source() -> Any:
        for row in rows(7):
            yield row

    assert bulk.run(chain, source(), "out.jsonl", key="id").done == 7


def test_run_works_inside_a_running_loop(chain: Any) -> None:
    async def notebook() -> Any:
        return bulk.run(chain, rows(3), "out.jsonl", key="id")

    assert asyncio.run(notebook()).done == 3


def test_arun_runs_in_the_loop_that_is_there(chain: Any) -> None:
    assert asyncio.run(bulk.arun(chain, rows(3), "out.jsonl", key="id")).done == 3


def test_no_more_calls_are_in_flight_than_rows_may_be(server: ReplayServer) -> None:
    most = 0

    @server.replies
    def answer(request: Any) -> Reply:
        nonlocal most
        most = max(most, server.open_streams)
        return Reply("x", faults=Faults(first_delay=0.05))

    one = make_chain(server.openai_url)
    both: Runnable[Any, Any] = RunnableParallel(a=one, b=one)
    report = bulk.run(both, rows(30), "out.jsonl", key="id", max_concurrency=6)
    assert report.done == 30
    assert most == 6


def test_equal_inputs_are_asked_once(chain: Any, server: ReplayServer) -> None:
    server.pace = 0.02
    given = [{"id": number, "text": f"text {number % 4}"} for number in range(40)]
    report = bulk.run(chain, given, "out.jsonl", key="id", dedup=True, input=lambda row: {"text": row["text"]})
    assert set(asked(server).values()) == {1}
    assert (report.done, report.shared) == (40, 36)
    lines = by_key("out.jsonl")
    assert lines[39]["output"] == "Label text 3"
    assert sum(line["input_tokens"] for line in lines.values()) == 4 * 3


def test_order_of_input_is_that_of_the_source(chain: Any, server: ReplayServer) -> None:
    server.replies(lambda request: Reply("x", faults=Faults(first_delay=0.2 if " 0" in question(request) else 0.0)))
    bulk.run(chain, rows(12), "any.jsonl", key="id")
    bulk.run(chain, rows(12), "ordered.jsonl", key="id", order="input")
    assert [line["id"] for line in read("ordered.jsonl")] == [row["id"] for row in rows(12)]
    assert read("any.jsonl")[0]["id"] != "r0"


def test_a_run_without_a_checkpoint_leaves_nothing_beside_its_output(chain: Any) -> None:
    bulk.run(chain, rows(3), "out.jsonl", key="id")
    assert [path.name for path in Path().iterdir()] == ["out.jsonl"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kay": "id"}, "no option 'kay'"),
        ({"max_concurrency": 0}, "max_concurrency is a number, 1 or more"),
        ({"budget": 5.0}, "a budget needs prices"),
        ({"prices": {"small": 1.0}}, "a million tokens"),
        ({"engine": "spark"}, "engine is"),
        ({"workers": 2}, "2 processes"),
        ({"on_change": "ignore"}, "on_change is"),
        ({"limit": 1, "sample": 1}, "not both"),
        ({"keep": "text"}, "list of names"),
        ({"key": 3}, "name of a column or a function"),
        ({"order": "key"}, "order is"),
        ({"grace": -1}, "grace is a number"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_before_anything_is_asked(
    chain: Any, server: ReplayServer, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        bulk.run(chain, rows(1), "out.jsonl", **options)
    assert server.request_count == 0


def test_an_output_that_json_cannot_hold_is_a_row_error() -> None:
    async def answer(row: Any) -> Any:
        return object() if row == 2 else row

    report = bulk.run(RunnableLambda(answer), [1, 2, 3], "out.jsonl")
    assert (report.done, report.failed) == (2, 1)
    assert "cannot be written as JSON" in by_key("out.jsonl", "key")[1]["error"]


def test_progress_is_told_to_a_callback_and_never_exceeds_the_total(chain: Any, server: ReplayServer) -> None:
    server.pace = 0.05
    seen: list[tuple[int, int | None]] = []
    bulk.run(
        chain, rows(40), "out.jsonl", key="id", max_concurrency=4, progress=lambda r: seen.append((r.ended, r.total))
    )
    assert seen[-1] == (40, 40)
    assert all(ended <= 40 and total == 40 for ended, total in seen)


def test_a_second_run_on_the_checkpoint_is_refused(chain: Any, server: ReplayServer) -> None:
    errors: list[str] = []

    @server.replies
    def answer(request: Any) -> None:
        try:
            bulk.run(RunnableLambda(str), [1], None, checkpoint="run")
        except ConfigError as error:
            errors.append(str(error))

    bulk.run(chain, rows(1), "out.jsonl", key="id", checkpoint="run")
    assert "another run is using the checkpoint 'run': process " in errors[0]


def test_the_error_of_a_stopped_run_has_its_report(chain: Any, server: ReplayServer) -> None:
    server.replies(lambda request: Reply(faults=Faults(status=401)))
    with pytest.raises(BulkError, match="would happen to every row") as caught:
        bulk.run(chain, rows(9), "out.jsonl", key="id", max_concurrency=3)
    report = caught.value.report
    assert server.request_count <= 3
    assert (report.done, report.failed, report.rows) == (0, 0, report.not_started)


def test_answers_out_of_a_cache_are_neither_charged_nor_limited(server: ReplayServer) -> None:
    chain = make_chain(server.openai_url, cache=SQLiteCache("answers.db"))
    prices: Any = {"prices": {"small": (1e6, 1e6)}}
    first = bulk.run(chain, rows(5), None, key="id", **prices)
    assert first.cost == 5 * (3 + 3)
    again = bulk.run(chain, rows(5), "out.jsonl", key="id", requests_per_minute=1, **prices)
    assert (again.done, server.request_count) == (5, 5)
    assert {line["input_tokens"] for line in read("out.jsonl")} == {0}
