"""How the chunks of each kind of step combine, and that a streamed chain gives what an invoked one gives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prill.errors import ConfigError
from prill.output_parsers import JsonOutputParser, StrOutputParser
from prill.runnables import (
    Runnable,
    RunnableBranch,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
)
from prill.runnables.engine.streams import ADD, AS_INPUT, COLLECT, EMPTY, REPLACE, LateRule, Stream, collect


def hand_on(chunks):
    yield from chunks


async def hand_on_later(chunks):
    async for chunk in chunks:
        yield chunk


def same(value):
    return value


class Emit(Runnable):
    """Ignores its input and yields chunks that combine by a rule."""

    def __init__(self, combine, chunks):
        self.name = None
        self.rule, self.chunks = combine, chunks

    @property
    def _combine(self):
        return self.rule

    async def _work(self, input, run, **kwargs):
        return await collect(Stream(self._flow(None, run), self.rule))

    async def _flow(self, inputs, run, **kwargs):
        for chunk in self.chunks:
            yield chunk


class HandsOn(Runnable):
    """A step of a user's with a ``_flow`` that says nothing about rules."""

    async def _work(self, input, run, **kwargs):
        return input

    async def _flow(self, inputs, run, **kwargs):
        async for chunk in inputs:
            yield chunk


class Transforms(Runnable):
    """A step of a user's with verbs of its own."""

    def invoke(self, input, config=None, **kwargs):
        return input

    def transform(self, input, config=None, **kwargs):
        yield from input

    async def atransform(self, input, config=None, **kwargs):
        async for chunk in input:
            yield chunk


SOURCES = {
    ADD: Emit(ADD, [[1], [2]]),
    REPLACE: Emit(REPLACE, [[1], [1, 2]]),
    COLLECT: Emit(COLLECT, [1, 2]),
}

PASSED = {ADD: ([[1], [2]], [1, 2]), REPLACE: ([[1], [1, 2]], [1, 2]), COLLECT: ([1, 2], [1, 2])}
"""What leaves a step that hands its input on, as chunks and as a value."""

WHOLE = dict.fromkeys(PASSED, ([[1, 2]], [1, 2]))
"""What leaves a step that is given the value."""

KINDS = {
    "generator": (lambda: RunnableGenerator(hand_on), PASSED),
    "async generator": (lambda: RunnableGenerator(hand_on_later), PASSED),
    "a user's flow": (HandsOn, PASSED),
    "a user's transform": (Transforms, PASSED),
    "passthrough": (RunnablePassthrough, PASSED),
    "passthrough with a function": (lambda: RunnablePassthrough(lambda value: None), PASSED),
    "bound": (lambda: RunnableGenerator(hand_on).with_config(tags=["a"]), PASSED),
    "timeout": (lambda: RunnableGenerator(hand_on).with_timeout(total=600), PASSED),
    "sequence": (lambda: RunnableGenerator(hand_on) | RunnablePassthrough(), PASSED),
    "function": (lambda: RunnableLambda(same), WHOLE),
    "retry": (lambda: RunnableGenerator(hand_on).with_retry(), WHOLE),
    "fallbacks": (lambda: RunnableGenerator(hand_on).with_fallbacks([RunnableLambda(same)]), WHOLE),
    "branch": (lambda: RunnableBranch((bool, RunnableGenerator(hand_on)), RunnableLambda(same)), WHOLE),
    "each": (lambda: RunnableLambda(same).map(), WHOLE),
    "parallel and pick": (
        lambda: RunnableParallel(a=RunnablePassthrough()) | RunnablePick("a"),
        {**PASSED, COLLECT: ([[1], [2]], [1, 2])},  # the value of a key is a list, to which lists of one add up
    ),
    "generator that adds": (lambda: RunnableGenerator(hand_on, combine="add"), {ADD: PASSED[ADD]}),
    "generator that replaces": (
        lambda: RunnableGenerator(hand_on, combine="replace"),
        {ADD: ([[1], [2]], [2]), REPLACE: PASSED[REPLACE], COLLECT: ([1, 2], 2)},
    ),
    "generator that collects": (
        lambda: RunnableGenerator(hand_on, combine="collect"),
        {ADD: ([[1], [2]], [[1], [2]]), REPLACE: ([[1], [1, 2]], [[1], [1, 2]]), COLLECT: PASSED[COLLECT]},
    ),
    "parser that reads pieces": (
        lambda: RunnableLambda(json.dumps) | JsonOutputParser(),
        {combine: ([[1, 2]], [1, 2]) for combine in PASSED},
    ),
    "function that returns a growing value": (
        lambda: RunnableLambda(lambda _: SOURCES[REPLACE]),
        dict.fromkeys(PASSED, PASSED[REPLACE]),
    ),
    "function that returns elements": (
        lambda: RunnableLambda(lambda _: SOURCES[COLLECT]),
        dict.fromkeys(PASSED, PASSED[COLLECT]),
    ),
}

CASES = [(kind, combine) for kind, (_, expected) in KINDS.items() for combine in expected]


@pytest.mark.parametrize("watched", [False, True], ids=["unwatched", "watched"])
@pytest.mark.parametrize(("kind", "combine"), CASES, ids=[f"{kind}-{combine.value}" for kind, combine in CASES])
def test_a_step_of_each_kind_over_a_stream_of_each_rule(kind, combine, watched, verbs):
    make, expected = KINDS[kind]
    chunks, value = expected[combine]
    config = {"tags": ["x"], "callbacks": []} if not watched else {"callbacks": [_handler()]}
    chain = SOURCES[combine] | make()
    assert verbs.stream(chain, "x", config) == chunks
    assert verbs.stream(chain | same, "x", config) == [value]
    assert verbs.stream({"k": chain} | RunnableLambda(same), "x", config) == [{"k": value}]


def _handler():
    from prill.callbacks import BaseCallbackHandler

    return BaseCallbackHandler()


def test_a_parser_of_pieces_waits_for_the_end_of_a_stream_whose_chunks_do_not_add_up(verbs):
    growing = Emit(REPLACE, ['{"a": ', '{"a": [1', '{"a": [1]}'])
    assert verbs.stream(growing | JsonOutputParser(), "x") == [{"a": [1]}]
    late = RunnableLambda(lambda _: growing)
    assert verbs.stream(late | JsonOutputParser(), "x") == [{"a": [1]}]
    pieces = RunnableLambda(lambda _: Emit(ADD, ["[1", ", 2]"]))
    assert verbs.stream(pieces | JsonOutputParser(), "x") == [[1], [1, 2]]


def test_the_value_of_an_empty_stream_is_empty_and_of_one_that_collects_a_list(verbs):
    assert verbs.stream(Emit(ADD, []) | RunnableLambda(same), "x") == []
    assert verbs.stream(Emit(COLLECT, []) | RunnableLambda(same), "x") == [[]]


def test_a_generator_that_combines_in_an_unknown_way_is_refused():
    with pytest.raises(ConfigError, match="combine is 'as input', 'add', 'replace' or 'collect', not 'sum'"):
        RunnableGenerator(hand_on, combine="sum")  # type: ignore[arg-type]


def test_generators_that_combine_differently_are_not_equal():
    assert RunnableGenerator(hand_on) == RunnableGenerator(hand_on)
    assert RunnableGenerator(hand_on) != RunnableGenerator(hand_on, combine="add")
    assert RunnableGenerator(hand_on).combine is AS_INPUT


def test_a_late_rule_follows_the_stream_that_was_chosen_last():
    one, two = LateRule(), LateRule()
    stream: Stream[Any] = Stream(Stream(iter(())), one)  # type: ignore[arg-type]
    assert stream.combine is ADD
    one.follow(Stream(stream, two))
    two.follow(Stream(stream, REPLACE))
    assert stream.combine is REPLACE
    one.follow(Stream(stream, COLLECT))
    assert stream.combine is COLLECT
    assert stream.through(stream).rule is one
    assert EMPTY is not None


# Random chains. Texts are JSON of {"a": a list, "b": such a text}, so that every parser has something to read.


def nested(depth):
    return json.dumps({"a": [depth, "x" * depth], "b": nested(depth - 1) if depth else "end"})


TEXT = nested(3)


class Flaky:
    """A generator function that fails in the middle of every other stream."""

    def __init__(self):
        self.count = 0

    def __call__(self, chunks):
        self.count += 1
        for value in chunks:
            half = len(value) // 2
            yield value if isinstance(value, dict) else value[:half]
            if self.count % 2:
                raise ValueError("half is there")
            if not isinstance(value, dict):
                yield value[half:]


def flaky():
    step = RunnableGenerator(Flaky(), name="flaky")
    return step.with_retry(stop_after_attempt=2, wait_exponential_jitter=False, mid_stream="restart")


def fails(value):
    raise ValueError("fails")


ANY = {
    "generator": lambda: RunnableGenerator(hand_on),
    "async generator": lambda: RunnableGenerator(hand_on_later),
    "function": lambda: RunnableLambda(same),
    "passthrough": RunnablePassthrough,
    "passthrough with a function": lambda: RunnablePassthrough(lambda value: None),
    "flow": HandsOn,
    "restart": flaky,
    "branch": lambda: RunnableBranch((lambda value: bool(value), RunnableGenerator(hand_on)), RunnableLambda(same)),
    "fallbacks": lambda: RunnableLambda(fails).with_fallbacks([RunnableGenerator(hand_on)]),
    "returned": lambda: RunnableLambda(lambda value: RunnableGenerator(hand_on)),
}
STEPS: dict[str, dict[str, tuple[Any, str]]] = {
    "text": {
        **{name: (make, "text") for name, make in ANY.items()},
        "json": (JsonOutputParser, "dict"),
        "json | generator": (lambda: JsonOutputParser() | hand_on, "dict"),
        "str": (StrOutputParser, "text"),
        "parallel": (lambda: RunnableParallel(a=lambda text: [text], b=RunnablePassthrough()), "dict"),
        "parallel of parsers": (lambda: RunnableParallel(b=StrOutputParser(), a=_listed()), "dict"),
        "restarting branch": (lambda: RunnableParallel(a=lambda text: [text], b=flaky()), "dict"),
    },
    "dict": {
        **{name: (make, "dict") for name, make in ANY.items()},
        "pick a": (lambda: RunnablePick("a"), "list"),
        "pick b": (lambda: RunnablePick("b"), "text"),
        "pick both": (lambda: RunnablePick(["a", "b"]), "dict"),
        "assign a function": (lambda: RunnablePassthrough.assign(c=lambda value: len(value["a"])), "dict"),
        "assign a picked": (lambda: RunnablePassthrough.assign(c=RunnablePick("b") | hand_on), "dict"),
        "assign over": (lambda: RunnablePassthrough.assign(a=RunnablePick("a")), "dict"),
    },
    "list": {
        **{name: (make, "list") for name, make in ANY.items()},
        "each": (lambda: RunnableLambda(str).map(), "list"),
        "parallel": (lambda: RunnableParallel(a=RunnablePassthrough(), b=lambda value: TEXT), "dict"),
    },
}


def _parses(name):
    return name.startswith(("json", "parallel of"))


def _listed():
    return JsonOutputParser() | RunnablePick("a")


@st.composite
def chains(draw):
    kind, names = "text", []
    for _ in range(draw(st.integers(1, 6))):
        # A text may be the innermost "end", which is not JSON: then there is nothing to parse.
        able = [
            name for name in STEPS[kind] if names.count("pick b") < 4 or not name.startswith(("json", "parallel of"))
        ]
        name = draw(st.sampled_from(able))
        names.append(name)
        kind = STEPS[kind][name][1]
    return names


def build(names):
    kind, steps = "text", []
    for name in names:
        make, kind = STEPS[kind][name]
        steps.append(make())
    chain = RunnablePassthrough()
    for step in steps:
        chain = chain | step
    return chain | same


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=chains(), size=st.integers(8, 40), watched=st.booleans())
def test_a_streamed_chain_gives_what_an_invoked_one_gives(names, size, watched, verbs):
    config = {"callbacks": [_handler()]} if watched else None
    chain = build(names)
    whole = verbs.invoke(chain, TEXT, config)
    pieces = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
    assert verbs.transform(chain, pieces, config) == [whole], names
    assert verbs.stream(chain, TEXT, config) == [whole], names
