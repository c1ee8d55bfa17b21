"""What observers see of a chain, and how nested calls join the tree."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from prill.callbacks.run import CURRENT
from prill.errors import ConfigError, RecursionLimitError
from prill.runnables import (
    Runnable,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnableSequence,
    chain,
)
from prill.testing.witness import Witness


def tree(witness):
    """(name, own tag, parent's name) of each run, in the order of their starts."""
    return [(run.name, run.tag, run.parent.name if run.parent else None) for run in witness.runs()]


def watch(run, part, input):
    witness = Witness()
    output = run(part, input, {"callbacks": [witness]})
    assert witness.complaints() == []
    return output, witness


def one(x):
    return x


def two(x):
    return x


def pieces(inputs):
    for text in inputs:
        yield from text


leaf = RunnableLambda(one).with_config(run_name="leaf")


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_steps_are_children_with_their_place_as_tag(verb, verbs):
    _, witness = watch(getattr(verbs, verb), RunnableLambda(one) | two, "x")
    assert tree(witness) == [
        ("RunnableSequence", None, None),
        ("one", "seq:step:1", "RunnableSequence"),
        ("two", "seq:step:2", "RunnableSequence"),
    ]


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_branches_are_children_with_their_key_as_tag(verb, verbs):
    _, witness = watch(getattr(verbs, verb), RunnableParallel(a=one, b=two), "x")
    assert sorted(tree(witness)[1:]) == [
        ("one", "map:key:a", "RunnableParallel<a,b>"),
        ("two", "map:key:b", "RunnableParallel<a,b>"),
    ]


def test_an_assign_has_its_mapper_as_child(verbs):
    _, witness = watch(verbs.invoke, RunnablePassthrough.assign(k=one), {"a": 1})
    assert tree(witness) == [
        ("RunnableAssign<k>", None, None),
        ("RunnableParallel<k>", None, "RunnableAssign<k>"),
        ("one", "map:key:k", "RunnableParallel<k>"),
    ]


def test_start_then_chunks_then_end_with_the_whole_input_and_output(verbs):
    _, witness = watch(verbs.stream, RunnableGenerator(pieces) | RunnablePassthrough(), "abc")
    root = witness.runs()[0]
    assert [(what, value) for what, run, value in witness.seen if run is root] == [
        ("start", "abc"),
        ("chunk", "a"),
        ("chunk", "b"),
        ("chunk", "c"),
        ("end", "abc"),
    ]
    last = witness.runs()[-1]
    assert (last.name, last.input) == ("RunnablePassthrough", "abc")
    assert witness.of("start")[-1] == (last, None)


def test_an_error_is_told_once_for_each_run_around_it(verbs):
    def bad(x):
        raise ValueError("bad")

    for verb in (verbs.invoke, verbs.stream):
        witness = Witness()
        with pytest.raises(ValueError, match="bad"):
            verb(RunnableLambda(one) | RunnableParallel(a=bad), "x", {"callbacks": [witness]})
        assert witness.complaints() == []
        assert [run.name for run, _ in witness.of("error")] == ["bad", "RunnableParallel<a>", "RunnableSequence"]
        assert [run.name for run, _ in witness.of("end")] == ["one"]


def test_a_stream_that_is_left_is_cancelled_with_what_it_had_put_out(verbs):
    witness = Witness()
    verbs.take(RunnableGenerator(pieces) | pieces, "abc", 2, {"callbacks": [witness]})
    assert witness.complaints() == []
    assert [(run.name, value) for run, value in witness.of("cancel")] == [
        ("pieces", "ab"),
        ("pieces", "ab"),
        ("RunnableSequence", "ab"),
    ]


def test_a_cancelled_task_is_cancelled_not_failed():
    witness = Witness()

    async def sleeps(x):
        limit.reschedule(0)
        await asyncio.sleep(3600)

    limit = None

    async def main():
        nonlocal limit
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60) as limit:
                await (RunnableLambda(sleeps) | one).ainvoke(1, {"callbacks": [witness]})

    asyncio.run(main())
    assert witness.complaints() == []
    assert [run.name for run, _ in witness.of("cancel")] == ["sleeps", "RunnableSequence"]
    assert witness.of("error") == []


def test_a_binding_is_no_run_but_names_and_tags_one(verbs):
    part = RunnableLambda(one).with_config(run_name="named", tags=["mine"], metadata={"k": 1})
    _, witness = watch(verbs.invoke, part | two, "x")
    named = witness.runs()[1]
    assert (named.name, named.tags, named.metadata) == ("named", ["seq:step:1", "mine"], {"k": 1})
    assert witness.runs()[2].tags == ["seq:step:2"]


def test_tags_and_metadata_are_inherited_and_names_and_ids_are_not(verbs):
    import uuid

    witness, run_id = Witness(), uuid.uuid4()
    config = {
        "callbacks": [witness],
        "tags": ["t"],
        "metadata": {"m": 1},
        "run_name": "top",
        "run_id": run_id,
    }
    verbs.invoke(RunnableLambda(one) | two, "x", config)
    top, first, _ = witness.runs()
    assert (top.name, top.id) == ("top", run_id)
    assert first.name == "one"
    assert first.id != run_id
    assert all("t" in run.tags and run.metadata == {"m": 1} for run in witness.runs())


NESTED = {}


def nested(function):
    NESTED[function.__name__] = function
    return function


@nested
def in_a_function(x):
    return leaf.invoke(x)


@nested
def in_a_plain_generator(inputs):
    for x in inputs:
        yield leaf.invoke(x)
        leaf.invoke(x)


@nested
def in_a_thread_pool(x):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, leaf.invoke, x).result()


@nested
def streamed(x):
    return list(leaf.stream(x)).pop()


@nested
def batched(x):
    return leaf.batch([x, x])[0]


@nested
def by_the_config(x, config):
    return leaf.invoke(x, config)


ANESTED = {}


def anested(function):
    ANESTED[function.__name__] = function
    return function


@anested
async def in_a_coroutine(x):
    return await leaf.ainvoke(x)


@anested
async def in_an_async_generator(inputs):
    async for x in inputs:
        yield await leaf.ainvoke(x)
        await leaf.ainvoke(x)


@anested
async def in_a_task(x):
    return await asyncio.create_task(leaf.ainvoke(x))


@anested
async def gathered(x):
    return (await asyncio.gather(leaf.ainvoke(x), leaf.ainvoke(x)))[0]


@anested
async def to_a_thread(x):
    return await asyncio.to_thread(leaf.invoke, x)


@anested
async def astreamed(x):
    return [y async for y in leaf.astream(x)].pop()


@anested
async def by_the_given_config(x, config):
    return await leaf.ainvoke(x, config)


@pytest.mark.parametrize("name", NESTED)
@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_a_nested_call_joins_the_tree(name, verb, verbs):
    _, witness = watch(getattr(verbs, verb), RunnableLambda(two) | NESTED[name], "x")
    assert {parent for run, _, parent in tree(witness) if run == "leaf"} == {name}


@pytest.mark.parametrize("name", ANESTED)
@pytest.mark.parametrize("verb", ["ainvoke", "astream", "in a parallel"])
def test_a_nested_asyncio_call_joins_the_tree(name, verb):
    witness = Witness()
    config = {"callbacks": [witness]}
    part = RunnableLambda(two) | ANESTED[name]
    if verb == "in a parallel":
        part = RunnableParallel(a=part, b=part)

    async def main():
        if verb == "ainvoke":
            await part.ainvoke("x", config)
        else:
            async for _ in part.astream("x", config):
                assert CURRENT.get() is None

    asyncio.run(main())
    assert witness.complaints() == []
    assert {parent for run, _, parent in tree(witness) if run == "leaf"} == {name}


def test_the_current_run_never_leaks_to_the_consumer():
    part = RunnableGenerator(in_a_plain_generator) | pieces | (lambda x: x) | in_a_plain_generator
    config = {"callbacks": [Witness()], "tags": ["t"]}
    for _ in part.stream("x", config):
        assert CURRENT.get() is None
    part.invoke("x", config)
    assert CURRENT.get() is None
    stream = part.stream("x", config)
    next(stream)
    stream.close()
    assert CURRENT.get() is None

    async def main():
        stream = (RunnableGenerator(in_an_async_generator) | in_an_async_generator).astream("x", config)
        async for _ in stream:
            assert CURRENT.get() is None
            break
        await stream.aclose()
        assert CURRENT.get() is None

    asyncio.run(main())


def test_a_consumers_own_calls_are_no_children_of_what_it_consumes():
    witness = Witness()
    for piece in (RunnableLambda(one) | pieces).stream("ab", {"callbacks": [witness]}):
        leaf.invoke(piece)
    assert "leaf" not in {run.name for run in witness.runs()}


def test_config_of_a_later_step_does_not_reach_an_earlier_one_that_it_pulls(verbs):
    seen = []

    @chain
    def probe(x, config):
        seen.append((config["tags"], config["configurable"]))
        return x

    def early(inputs):
        for x in inputs:
            yield probe.invoke(x)

    part = RunnableGenerator(early) | RunnableGenerator(pieces).with_config(tags=["late"], configurable={"a": 1})
    verbs.stream(part, "x")
    assert seen == [([], {})]


def test_configurable_and_limits_reach_nested_calls(verbs):
    @chain
    def probe(x, config):
        return config["configurable"], config["tags"], config.get("max_concurrency")

    part = RunnableLambda(one) | (lambda x: probe.invoke(x))
    assert verbs.invoke(part, 1, {"configurable": {"a": 1}, "tags": ["t"], "max_concurrency": 3}) == (
        {"a": 1},
        ["t"],
        3,
    )


class TestOverrides:
    """Classes of users, whose verbs are leaves."""

    class Invokes(Runnable):
        def invoke(self, input, config=None, **kwargs):
            return leaf.invoke(input + "!", config)

    class Ainvokes(Runnable):
        async def ainvoke(self, input, config=None, **kwargs):
            return input + "?"

    class Streams(Runnable):
        def invoke(self, input, config=None, **kwargs):
            return input

        def stream(self, input, config=None, **kwargs):
            yield from input

        async def astream(self, input, config=None, **kwargs):
            for letter in input:
                yield letter

    class Transforms(Runnable):
        def invoke(self, input, config=None, **kwargs):
            return "".join(self.transform(iter([input])))

        def transform(self, input, config=None, **kwargs):
            for text in input:
                yield from text.upper()

        async def atransform(self, input, config=None, **kwargs):
            async for text in input:
                for letter in text.upper():
                    yield letter

    class OnlyTransforms(Runnable):
        def transform(self, input, config=None, **kwargs):
            for text in input:
                yield text.upper()

        async def atransform(self, input, config=None, **kwargs):
            async for text in input:
                yield text.upper()

    class Louder(RunnableLambda):
        def invoke(self, input, config=None, **kwargs):
            return super().invoke(input, config, **kwargs) + "!"

        async def ainvoke(self, input, config=None, **kwargs):
            return await super().ainvoke(input, config, **kwargs) + "!"

    def test_only_invoke(self, verbs):
        assert verbs.invoke(RunnableLambda(one) | self.Invokes() | two, "x") == "x!"
        assert verbs.stream(RunnableLambda(one) | self.Invokes() | two, "x") == ["x!"]
        assert verbs.batch(self.Invokes(), ["x", "y"]) == ["x!", "y!"]

    def test_what_an_invoke_starts_joins_the_tree(self, verbs):
        _, witness = watch(verbs.invoke, RunnableLambda(one) | self.Invokes(), "x")
        assert ("leaf", "seq:step:2", "RunnableSequence") in tree(witness)

    def test_only_ainvoke(self):
        assert asyncio.run((RunnableLambda(one) | self.Ainvokes()).ainvoke("x")) == "x?"
        with pytest.raises(RuntimeError, match="Ainvokes has only ainvoke: run the chain with ainvoke"):
            (RunnableLambda(one) | self.Ainvokes()).invoke("x")

    def test_stream(self, verbs):
        assert verbs.stream(RunnableLambda(one) | self.Streams(), "abc") == ["a", "b", "c"]
        assert verbs.stream(self.Streams() | pieces, "abc") == ["a", "b", "c"]
        assert verbs.invoke(self.Streams() | one, "abc") == "abc"

    def test_transform(self, verbs):
        assert verbs.stream(RunnableGenerator(pieces) | self.Transforms(), "abc") == ["A", "B", "C"]
        assert verbs.invoke(RunnableLambda(one) | self.Transforms(), "abc") == "ABC"

    def test_transform_alone_is_enough(self, verbs):
        assert verbs.invoke(self.OnlyTransforms(), "abc") == "ABC"
        assert verbs.stream(self.OnlyTransforms() | self.OnlyTransforms(), "abc") == ["ABC"]

    def test_a_subclass_of_a_part_that_calls_super(self, verbs):
        part = RunnableLambda(two) | self.Louder(one) | two
        assert verbs.invoke(part, "x") == "x!"
        assert verbs.stream(part, "x") == ["x!"]
        _, witness = watch(verbs.invoke, part, "x")
        assert [run[0] for run in tree(witness)] == ["RunnableSequence", "two", "one", "two"]

    def test_a_class_without_any_verb_is_named(self, verbs):
        class Idle(Runnable):
            pass

        with pytest.raises(TypeError, match="Idle does nothing: a Runnable defines invoke"):
            verbs.invoke(Idle(), 1)


class TestRecursion:
    def test_a_function_may_return_a_runnable_that_is_run_in_its_place(self, verbs):
        part = RunnableLambda(lambda x: RunnableLambda(one) | (lambda y: y + x)) | (lambda z: z + 1)
        assert verbs.invoke(part, 1) == 3
        assert verbs.stream(part, 1) == [3]

    def test_going_on_for_ever_ends_with_an_error_that_names_the_limit(self, verbs):
        forever = RunnableLambda(lambda x: forever, name="forever")
        for verb in (verbs.invoke, verbs.stream):
            with pytest.raises(RecursionLimitError, match=r"forever returned a Runnable.*recursion_limit"):
                verb(forever, 1)

    def test_the_limit_is_a_setting(self, verbs):
        calls = []

        def down(x):
            calls.append(x)
            return part if len(calls) < 40 else "done"

        part = RunnableLambda(down)
        assert verbs.invoke(part, 1, {"recursion_limit": 60}) == "done"
        calls.clear()
        with pytest.raises(RecursionError):
            verbs.invoke(part, 1, {"recursion_limit": 5})
        assert len(calls) == 5


def test_watched_runs_of_many_threads_keep_their_trees_apart():
    part = RunnableParallel(a=in_a_function, b=RunnableLambda(one) | in_a_function)
    complaints = []

    def work():
        for _ in range(5):
            witness = Witness()
            part.invoke("x", {"callbacks": [witness]})
            complaints.extend(witness.complaints())
            if len(witness.runs()) != 7:
                complaints.append(tree(witness))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert complaints == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"tags": "one"}, "tags are a list"),
        ({"max_concurrency": 0}, "max_concurrency is the number"),
        ({"recursion_limit": 0}, "recursion_limit is 1 or more"),
        ({"callbacks": [3]}, "callbacks are handlers"),
        (["x"], "a config is a dict"),
        ("x", "a config is a dict"),
    ],
)
def test_a_config_that_cannot_be_used_is_refused(config, message, verbs):
    for verb in (verbs.invoke, verbs.stream):
        with pytest.raises(ConfigError, match=message):
            verb(RunnableLambda(one), 1, config)


def test_a_named_sequence_is_a_run_of_its_own(verbs):
    part = RunnableLambda(one) | RunnableSequence(two, one, name="inner")
    _, witness = watch(verbs.stream, part, "x")
    assert ("two", "seq:step:1", "inner") in tree(witness)


async def letters(chunks):
    async for chunk in chunks:
        for letter in chunk:
            yield letter


async def first_alone(chunks):
    async for chunk in chunks:
        yield chunk
        return


@pytest.mark.parametrize("last", [letters, first_alone, RunnablePassthrough()])
def test_a_streamed_step_is_told_with_what_it_took_and_what_it_gave(verbs, last):
    steps = [RunnableGenerator(letters), RunnableGenerator(letters, name="again"), last]
    _, witness = watch(verbs.stream, RunnableSequence(*steps), "abc")
    told = [(run.input, output) for run, output in witness.of("end")]
    if last is first_alone:  # it leaves the others in the middle of their streams
        assert told == [("a", "a"), ("abc", "a")]
        assert [(run.name, partial) for run, partial in witness.of("cancel")] == [("letters", "a"), ("again", "a")]
    else:
        assert told == [("abc", "abc")] * 4


def test_a_stream_asks_once_what_is_to_be_told_of_its_chunks(verbs):
    class Choosy(Witness):
        """Wants the chunks of one step alone."""

        def __init__(self):
            super().__init__()
            self.asked = []

        def chunk_callback(self, run):
            self.asked.append(run.name)
            return self.on_chunk if run.name == "letters" else None

    choosy = Choosy()
    verbs.stream(RunnableSequence(RunnablePassthrough(), letters), "abc", {"callbacks": [choosy]})
    assert choosy.asked == ["RunnableSequence", "RunnablePassthrough", "letters"]
    assert [(run.name, chunk) for run, chunk in choosy.of("chunk")] == [("letters", letter) for letter in "abc"]
