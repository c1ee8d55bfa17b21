import pytest

from prill.runnables import RunnableLambda
from prill.tracers.context import collect_runs
from prill.tracers.stdout import FunctionCallbackHandler, elapsed, try_json_stringify

CHAIN = RunnableLambda(str).with_config(run_name="text") | RunnableLambda(len).with_config(run_name="count")


def test_a_function_is_given_the_start_and_the_end_of_every_run():
    lines = []
    CHAIN.invoke(12, {"callbacks": [FunctionCallbackHandler(lines.append)]})
    assert [line.partition(" with")[0].partition("] [")[0] for line in lines] == [
        "[chain/start", "[chain/start", "[chain/end", "[chain/start", "[chain/end", "[chain/end"
    ]  # fmt: skip
    assert lines[1] == '[chain/start] [chain:RunnableSequence > chain:text] starts with {\n  "input": 12\n}'
    assert lines[-1].endswith('ended with {\n  "output": 2\n}')


def test_errors_and_streams_that_were_left_are_told():
    lines = []
    config = {"callbacks": [FunctionCallbackHandler(lines.append)]}
    with pytest.raises(ValueError, match="invalid literal"):
        RunnableLambda(int).invoke("x", config)
    assert "failed: ValueError: invalid literal" in lines[-1]
    stream = CHAIN.stream(1, config)
    next(stream)
    stream.close()
    assert lines[-1].startswith("[chain/cancel]")


def test_what_is_no_json_becomes_the_fallback():
    assert try_json_stringify({"a": [1]}, "no") == '{\n  "a": [\n    1\n  ]\n}'
    assert try_json_stringify(object(), "no") == "no"


def test_elapsed_is_written_in_milliseconds_or_seconds():
    with collect_runs() as collected:
        CHAIN.invoke(1)
    (run,) = collected.traced_runs
    assert elapsed(run).endswith("ms")
    run._ended = run._started + 3.4
    assert elapsed(run) == "3.40s"
