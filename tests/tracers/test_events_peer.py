"""The same chain, built of the peer's parts and of ours, gives the same events, but where we mean to differ."""

import re
from operator import itemgetter

import pytest
from tests.tracers.peer_chains import (
    CHAINS,
    CHAINS_AT_ONCE,
    CHAINS_THAT_FAIL,
    CUSTOM,
    OURS,
    THEIRS,
    chat,
    comparable,
    custom,
    fails,
    later,
    llm,
    make_events,
    reverse,
    run,
    up,
    whole_with_usage,
)


def both(build, input, version):
    theirs, their_error = run(make_events(build(THEIRS), input, version))
    ours, our_error = run(make_events(build(OURS), input, version))
    return comparable(theirs), their_error, comparable(ours), our_error


def order_free(events):
    """Without the numbers of runs, which are given in the order in which branches happen to begin."""
    told = (repr({**event, "run_id": "", "parent_ids": len(event["parent_ids"])}) for event in events)
    return sorted(re.sub(r"message of run \d+", "message of a run", each) for each in told)


@pytest.mark.parametrize("version", ["v2", "v1"])
@pytest.mark.parametrize("name", CHAINS)
def test_events_are_the_peers(name, version):
    build, input = CHAINS[name]
    theirs, their_error, ours, our_error = both(build, input, version)
    assert (their_error, our_error) == (None, None)
    assert ours == theirs


@pytest.mark.parametrize("version", ["v2", "v1"])
@pytest.mark.parametrize("name", CHAINS_AT_ONCE)
def test_events_of_branches_are_the_peers_in_some_order(name, version):
    build, input = CHAINS_AT_ONCE[name]
    theirs, _, ours, _ = both(build, input, version)
    assert order_free(ours) == order_free(theirs)


@pytest.mark.parametrize("name", CUSTOM)
def test_custom_events_are_the_peers(name):
    build, input = CUSTOM[name]
    theirs, _, ours, _ = both(build, input, "v2")
    assert ours == theirs


# Where we mean to differ. docs/differences.md says why.


@pytest.mark.parametrize("version", ["v2", "v1"])
@pytest.mark.parametrize("name", CHAINS_THAT_FAIL)
def test_an_error_is_the_last_event_and_is_raised(name, version):
    """The peer just raises; its v1 tells failed runs as if they had ended with ``None``."""
    build, input = CHAINS_THAT_FAIL[name]
    theirs, their_error, ours, our_error = both(build, input, version)
    if name != "prompt":  # ours has an error of its own there
        assert type(our_error).__name__ == type(their_error).__name__
    last = ours[-1]
    assert (last["event"], last["run_id"]) == (ours[0]["event"].replace("_start", "_error"), "run 0")
    assert last["data"]["type"] == type(our_error).__name__
    assert last["data"]["retryable"] is False

    ended = {event["run_id"] for event in ours if event["event"].endswith("_end")}

    def told(events):
        names = [event["event"].rsplit("_", 1)[1] for event in events]
        pairs = zip(names, events, strict=True)
        return [each for name, each in pairs if name != "error" and (name != "end" or each["run_id"] in ended)]

    assert told(ours) == told(theirs)


def test_the_error_of_a_tool_is_told_where_it_happened_too():
    build, input = CHAINS_THAT_FAIL["tool in a chain"]
    theirs, _, ours, _ = both(build, input, "v2")
    (their_error,) = [event for event in theirs if event["event"] == "on_tool_error"]
    (our_error,) = [event for event in ours if event["event"] == "on_tool_error"]
    assert (our_error["run_id"], our_error["parent_ids"]) == (their_error["run_id"], their_error["parent_ids"])
    for key in ("error", "input"):
        assert our_error["data"][key] == their_error["data"][key]


def test_text_that_is_no_json_is_an_error_and_not_none():
    theirs, their_error, ours, our_error = both(lambda m: chat(m, "no json") | m.JsonOutputParser(), "x", "v2")
    assert their_error is None
    assert theirs[-1]["data"]["output"] is None
    assert type(our_error).__name__ == "OutputParserException"
    assert ours[-1]["event"] == "on_chain_error"


@pytest.mark.parametrize("name", CUSTOM)
def test_custom_events_are_in_v1_too(name):
    build, input = CUSTOM[name]
    theirs, _, ours, _ = both(build, input, "v1")
    assert [event for event in ours if event["event"] != "on_custom_event"] == theirs
    assert {event["name"] for event in ours if event["event"] == "on_custom_event"} == {"progress"}


def test_a_custom_event_has_the_tags_of_its_run():
    theirs, _, ours, _ = both(lambda m: m.RunnableLambda(up) | custom(m, "async"), "x", "v2")
    assert [event["tags"] for event in theirs if event["event"] == "on_custom_event"] == [[], []]
    assert [event["tags"] for event in ours if event["event"] == "on_custom_event"] == [["seq:step:2"]] * 2


@pytest.mark.parametrize("version", ["v2", "v1"])
def test_a_text_model_streams_text_wherever_it_stands(version):
    """The peer's v2 gives text from a model alone, and generation chunks from one in a chain."""
    theirs, _, ours, _ = both(lambda m: llm(m) | m.StrOutputParser(), "x", version)
    chunks = [event["data"]["chunk"] for event in ours if event["event"] == "on_llm_stream"]
    assert chunks == ["a", "b", "c"]
    texts = [event["data"]["chunk"] for event in theirs if event["event"] == "on_llm_stream"]
    assert [text if version == "v1" else text["text"] for text in texts] == chunks
    assert [event["event"] for event in ours] == [event["event"] for event in theirs]


def test_fakes_tell_their_tokens():
    """So that a program that is tested with a fake sees what it will see of a real model."""
    theirs, _, ours, _ = both(lambda m: m.FakeStreamingListLLM(responses=["ab"]), "x", "v2")
    assert [event["event"] for event in theirs] == ["on_llm_start", "on_llm_end"]
    assert [event["event"] for event in ours] == ["on_llm_start", "on_llm_stream", "on_llm_stream", "on_llm_end"]


def test_a_parser_alone_streams():
    theirs, _, ours, _ = both(lambda m: m.StrOutputParser(), "text", "v2")
    assert [event for event in ours if event["event"] != "on_parser_stream"] == theirs


def test_a_map_can_be_watched():
    _, their_error, ours, our_error = both(lambda m: m.RunnableLambda(up).map(), ["a"], "v2")
    assert (type(their_error), our_error) == (NotImplementedError, None)
    assert [event["name"] for event in ours] == ["RunnableEach<up>", "up", "up", "RunnableEach<up>", "RunnableEach<up>"]


def test_a_named_chain_is_a_run_inside_of_another_chain():
    """The peer takes it apart, and its name with it."""
    _, _, ours, _ = both(lambda m: m.RunnableLambda(up) | m.RunnableLambda(up).pipe(later, name="Inner"), "a", "v2")
    (inner,) = [event for event in ours if event["event"] == "on_chain_end" and event["name"] == "Inner"]
    assert inner["tags"] == ["seq:step:2"]


def test_with_config_adds_tags_to_those_of_before():
    """In the peer the second ``with_config`` takes the first one's tags away."""
    theirs, _, ours, _ = both(lambda m: m.RunnableLambda(up).with_config(tags=["a"]).with_config(tags=["b"]), "x", "v2")
    assert (theirs[0]["tags"], ours[0]["tags"]) == (["b"], ["a", "b"])


def test_a_message_without_text_is_no_empty_stream():
    """The peer's fake, asked for a message that is a tool call alone, gives no chunk, and the run fails."""
    call = {"name": "f", "args": {"a": 1}, "id": "1", "type": "tool_call"}
    _, their_error, ours, our_error = both(lambda m: chat(m, "", tool_calls=[call]), "x", "v2")
    assert (type(their_error), our_error) == (ValueError, None)
    assert ours[-1]["data"]["output"]["tool_calls"] == [call]


def test_a_tool_that_is_given_text_tells_it():
    theirs, _, ours, _ = both(lambda m: m.RunnableLambda(up) | reverse(m), "ab", "v2")
    told = [
        [event["data"]["input"] for event in events if event["event"].startswith("on_tool")]
        for events in (theirs, ours)
    ]
    assert told == [[{}, None], ["AB", "AB"]]


def test_the_end_of_the_root_has_the_tokens_of_all_models():
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    theirs, _, ours, _ = both(
        lambda m: m.RunnableLambda(up) | whole_with_usage(m, usage) | m.StrOutputParser(), "hi", "v2"
    )
    assert ours[-1]["data"].pop("usage_metadata") == {"FakeMessagesListChatModel": usage}
    assert ours == theirs


def test_a_callable_object_shows_the_name_of_its_class():
    theirs, _, ours, _ = both(lambda m: m.RunnableLambda(itemgetter("a")), {"a": 1}, "v2")
    assert (theirs[0]["name"], ours[0]["name"]) == ("RunnableLambda", "itemgetter")


def test_a_plain_generator_can_be_watched():
    """The peer's plain generators fail in its asyncio verbs."""

    def plain_letters(inputs):
        for text in inputs:
            yield from text

    _, their_error, ours, our_error = both(lambda m: m.RunnableGenerator(plain_letters), "ab", "v2")
    assert (type(their_error), our_error) == (NotImplementedError, None)
    assert [event["data"].get("chunk") for event in ours] == [None, "a", "b", None]


def test_a_view_does_not_make_a_model_stream():
    """The peer streams an ``ainvoke`` inside of a function if somebody watches; here watching changes nothing."""

    def build(m):
        model = chat(m)

        async def ask(text):
            return (await model.ainvoke(text)).content

        return m.RunnableLambda(ask)

    theirs, _, ours, _ = both(build, "x", "v2")
    assert [event for event in theirs if event["event"] == "on_chat_model_stream"] != []
    names = ["on_chain_start", "on_chat_model_start", "on_chat_model_end", "on_chain_stream", "on_chain_end"]
    assert [event["event"] for event in ours] == names


@pytest.mark.parametrize("filters", [{"include_types": ["chat_model"]}, {"exclude_types": ["chain"]}])
def test_filters_never_hide_the_end_of_the_root(filters):
    part = OURS.RunnableLambda(up) | chat(OURS)
    ours, _ = run(make_events(part, "x", **filters))
    assert ours[-1]["event"] == "on_chain_end"
    assert {event["event"] for event in ours[:-1]} == {
        "on_chat_model_start",
        "on_chat_model_stream",
        "on_chat_model_end",
    }
    failing, error = run(make_events(part | fails, "x", **filters))
    assert isinstance(error, ValueError)
    assert failing[-1]["event"] == "on_chain_error"


FILTERS = [
    {"include_names": ["up"]},
    {"include_types": ["parser", "prompt"]},
    {"include_tags": ["mine"]},
    {"exclude_names": ["up"]},
    {"exclude_types": ["chat_model"]},
    {"exclude_tags": ["mine"]},
    {"include_types": ["chain"], "exclude_names": ["up"]},
    {"include_names": ["up"], "include_tags": ["mine"]},
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_filtered_events_are_the_peers_and_the_end(filters):
    def build(m):
        return m.RunnableLambda(up) | chat(m).with_config(tags=["mine"]) | m.StrOutputParser() | up

    theirs, _ = run(make_events(build(THEIRS), "x", **filters))
    ours, _ = run(make_events(build(OURS), "x", **filters))
    theirs, ours = comparable(theirs), comparable(ours)
    if theirs[-1]["event"] != "on_chain_end" or theirs[-1]["parent_ids"]:
        ours = ours[:-1]
    assert ours == theirs


@pytest.mark.parametrize("version", ["v2", "v1"])
def test_what_the_caller_says_counts_more_than_what_is_bound(version):
    """As in the peer: the call's name, its metadata over those that are bound, its tags after them."""

    def build(m):
        bound = m.RunnableLambda(up).with_config(run_name="bound", tags=["b"], metadata={"k": "bound", "b": 1})
        return bound | m.RunnableLambda(later).with_config(metadata={"k": "inner"})

    config = {"run_name": "call", "tags": ["c"], "metadata": {"k": "call", "c": 1}}
    for make in (build, lambda m: m.RunnableLambda(up).with_config(run_name="bound", tags=["b"], metadata={"k": 2})):
        theirs, _ = run(make_events(make(THEIRS), "x", version, config))
        ours, _ = run(make_events(make(OURS), "x", version, config))
        assert comparable(ours) == comparable(theirs)


def test_the_caller_s_limits_count_more_than_what_is_bound():
    def read(m):
        asked = m.RunnableLambda(lambda x, config: (config.get("max_concurrency"), config["configurable"]))
        bound = asked.with_config(max_concurrency=3, configurable={"a": 1, "b": 1})
        return bound.invoke(1, {"max_concurrency": 5, "configurable": {"a": 2}}), bound.invoke(1)

    assert read(OURS) == read(THEIRS) == ((5, {"a": 2, "b": 1}), (3, {"a": 1, "b": 1}))
