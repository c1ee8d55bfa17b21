"""The same chain, built of the peer's parts and of ours, gives the same log, but where we mean to differ."""

import asyncio
import warnings

import jsonpatch
import pytest
from tests.tracers.peer_chains import CHAINS, OURS, THEIRS, plain


async def patches_of(part, input, **more):
    """The patches, and the error that ended them, if there was one."""
    seen, error = [], None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer warns that its log is old
        try:
            async for patch in part.astream_log(input, **more):
                seen.append(patch)
        except Exception as raised:
            error = raised
    return seen, error


def comparable(patches):
    """All operations, without ids and times."""
    runs, told = {}, []
    for patch in patches:
        for op in patch.ops:
            value = op["value"]
            if isinstance(value, dict) and "streamed_output" in value:
                runs.setdefault(value["id"], f"run {len(runs)}")
                value = {key: each for key, each in value.items() if key != "start_time"}
            if op["path"].endswith("/end_time"):
                value = "now"
            told.append((op["op"], op["path"], plain(value, runs)))
    return told


def applied(patches):
    state = None
    for patch in patches:
        state = jsonpatch.apply_patch(state, patch.ops)
    return state


def both(make, input, **more):
    """What either library tells of a chain, and their patches and errors."""
    results = []
    for m in (OURS, THEIRS):
        patches, error = asyncio.run(patches_of(make(m), input, **more))
        results.append((comparable(patches), patches, error))
    return results


@pytest.mark.parametrize("name", CHAINS)
def test_the_log_is_the_same(name):
    make, input, *_ = CHAINS[name]
    (ours, _, our_error), (theirs, _, their_error) = both(make, input)
    assert ours == theirs
    assert type(our_error).__name__ == type(their_error).__name__


@pytest.mark.parametrize("more", [
    {"include_types": ["llm"]},
    {"include_types": ["prompt", "parser"]},
    {"exclude_types": ["llm"]},
    {"include_names": ["StrOutputParser"]},
    {"exclude_names": ["StrOutputParser"]},
    {"include_tags": ["seq:step:2"]},
    {"exclude_tags": ["seq:step:2"]},
    {"with_streamed_output_list": False},
], ids=str)  # fmt: skip
def test_the_same_steps_are_chosen(more):
    make, input, *_ = CHAINS["prompt, model, text"]
    (ours, *_), (theirs, *_) = both(make, input, **more)
    assert ours == theirs


@pytest.mark.parametrize("name", ["prompt, model, text", "nested dicts", "model, json"])
def test_the_states_without_diff_are_the_same(name):
    make, input, *_ = CHAINS[name]
    (_, ours, _), (_, theirs, _) = both(make, input, diff=False)
    shown = [[len(log.ops) for log in logs] for logs in (ours, theirs)]
    assert shown[0] == shown[1]
    ended = [
        comparable([type("Patch", (), {"ops": [{"op": "replace", "path": "", "value": logs[-1].state}]})])
        for logs in (ours, theirs)
    ]
    for told in ended:
        told[0][2].pop("logs")  # their times differ
    assert ended[0] == ended[1]


def fails(x):
    raise ValueError("no")


def in_function(m):
    model = m.FakeListChatModel(responses=["ab"])
    return m.RunnableLambda(lambda text: model.invoke(text))


def test_differs_a_model_that_a_function_calls_with_invoke_does_not_stream():
    """Theirs streams it when a log is watched: a view would change how the model is asked."""
    (ours, *_), (theirs, *_) = both(in_function, "hi")
    streamed = [op for op in theirs if "FakeListChatModel/streamed_output" in op[1]]
    assert len(streamed) == 4
    assert [op[:2] for op in ours] == [op[:2] for op in theirs if op not in streamed]


def test_differs_a_failure_is_told():
    """Theirs ends a failed step with an empty output, as if it had ended well, and says nothing of the whole."""
    make = lambda m: m.RunnableLambda(lambda x: x) | fails  # noqa: E731 - one expression
    (ours, _, error), (theirs, *_) = both(make, 1)
    assert isinstance(error, ValueError)
    assert [op for op in theirs if op not in ours] == [("add", "/logs/fails/final_output", {})]
    assert [op for op in ours if op not in theirs] == [
        ("add", "/logs/fails/error", "ValueError: no"),
        ("add", "/error", "ValueError: no"),
    ]


async def waits(x):
    await asyncio.sleep(60)


async def fails_soon(x):
    await asyncio.sleep(0.01)
    raise ValueError("no")


def test_differs_a_branch_that_is_cancelled_has_an_end_time():
    """Theirs leaves it as if it went on."""
    make = lambda m: m.RunnableParallel(a=waits, b=fails_soon)  # noqa: E731 - one expression
    (_, ours, _), (_, theirs, _) = both(make, 1)
    assert applied(ours)["logs"]["waits"]["end_time"] is not None
    assert applied(theirs)["logs"]["waits"]["end_time"] is None


def test_differs_names_with_slashes_and_tildes_are_escaped():
    """Theirs makes patches that cannot be applied."""
    make = lambda m: m.RunnableLambda(str).with_config(run_name="a/b~c") | len  # noqa: E731 - one expression
    (_, ours, _), (_, theirs, _) = both(make, 1)
    assert applied(ours)["logs"]["a/b~c"]["final_output"] == {"output": "1"}
    with pytest.raises((jsonpatch.JsonPatchException, jsonpatch.JsonPointerException)):
        applied(theirs)


def test_differs_a_list_that_grows_is_not_added_to_itself():
    """Of a JSON parser's snapshots each replaces the one before; theirs adds up lists."""
    make = lambda m: m.FakeListChatModel(responses=["[1, 2]"]) | m.JsonOutputParser()  # noqa: E731 - one expression
    (_, ours, _), (_, theirs, _) = both(make, "x")
    assert applied(ours)["final_output"] == [1, 2]
    assert applied(theirs)["final_output"] != [1, 2]
