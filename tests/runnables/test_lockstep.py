"""What claims to stream does: a chunk leaves before the next is made, and deep chains stay chains."""

import pytest
from tests.runnables.flaky import NO_WAIT, streaming

from prill.output_parsers import StrOutputParser
from prill.runnables import (
    CancelToken,
    RouterRunnable,
    RunnableBranch,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnableSequence,
)
from prill.testing.witness import Witness


def plain(chunks):
    yield from chunks


async def each(chunks):
    async for chunk in chunks:
        yield chunk


BROKEN = ValueError("broken")
STREAMING = {
    "retry": lambda part: part.with_retry(**NO_WAIT),
    "retry, starting over": lambda part: part.with_retry(**NO_WAIT, mid_stream="restart"),
    "a parser after it": lambda part: part.with_retry(**NO_WAIT, mid_stream="restart") | StrOutputParser(),
    "fallbacks": lambda part: part.with_fallbacks([len]),
    "a fallback": lambda part: streaming([BROKEN])[0].with_fallbacks([part], mid_stream="restart"),
    "a fallback after chunks": lambda part: (
        streaming([BROKEN])[0].with_retry(**NO_WAIT, mid_stream="restart").with_fallbacks([part]) | plain
    ),
    "timeout": lambda part: part.with_timeout(first_chunk=30, between_chunks=30, total=60),
    "branch": lambda part: RunnableBranch((bool, part), len) | plain,
    "default": lambda part: RunnableBranch((lambda _: False, len), part),
    "router": lambda part: RunnableLambda(lambda x: {"key": "a", "input": x}) | RouterRunnable({"a": part}) | each,
    "config": lambda part: part.with_config(tags=["mine"]),
    "bound": lambda part: part.bind(),
    "nested chain": lambda part: RunnableSequence(part, RunnableSequence(plain, each)),
    "returned by a function": lambda part: RunnableLambda(lambda _: part) | each,
    "passthrough": lambda part: part | RunnablePassthrough(),
    "pick": lambda part: RunnableParallel(a=part).pick("a"),
    "pick from what may start over": lambda part: (
        RunnableParallel(a=part.with_retry(mid_stream="restart")).pick("a") | each
    ),
    "generators": lambda part: part | plain | each | plain,
}


@pytest.mark.parametrize("config", ["none", "watched", "token", "limited"])
@pytest.mark.parametrize("name", STREAMING)
def test_a_chunk_leaves_before_the_next_is_made(verbs, name, config):
    made = []

    async def source(inputs):
        async for _ in inputs:
            pass
        for number in range(50):
            made.append(number)
            yield str(number)

    given = {"none": None, "watched": {"callbacks": [Witness()]}, "token": {"cancel": CancelToken()}}
    part = STREAMING[name](RunnableGenerator(source))
    assert verbs.take(part, "x", 3, given.get(config, {"max_concurrency": 1})) == ["0", "1", "2"]
    # ``pick`` reads what ``RunnableParallel`` merges: there a branch may have gone on to its next chunk.
    assert made[:3] == [0, 1, 2]
    assert len(made) <= (4 if "pick" in name else 3)


DEEP = {
    "functions": lambda last: RunnableSequence(*[lambda x: x] * 299, last),
    "async generators": lambda last: RunnableSequence(*[each] * 299, last),
    "retries": lambda last: nested(last, lambda part: part.with_retry(stop_after_attempt=1)),
    "fallbacks": lambda last: nested(last, lambda part: part.with_fallbacks([last])),
    "timeouts": lambda last: nested(last, lambda part: part.with_timeout(total=60)),
    "branches": lambda last: nested(last, lambda part: RunnableBranch((lambda _: True, part), len)),
    "parallels": lambda last: nested(
        last, lambda part: RunnableParallel(a=part, b=len) | (lambda found: found["a"]), 60
    ),
}


def nested(last, wrap, depth=100):
    # Chains in parallels nest two deep each time, and some ten of Python's frames in blocking code.
    part = RunnableLambda(last)
    for _ in range(depth):
        part = wrap(part)
    return part


@pytest.mark.parametrize("verb", ["invoke", "stream"])
@pytest.mark.parametrize("name", DEEP)
def test_long_and_deep_chains_work_and_say_where_they_fail(verbs, name, verb):
    def fail(text):
        raise ValueError("no")

    output = getattr(verbs, verb)(DEEP[name](str.upper), "x")
    assert output == ("X" if verb == "invoke" else ["X"])
    with pytest.raises(ValueError, match="no") as raised:
        getattr(verbs, verb)(DEEP[name](fail), "x")
    paths = [note for note in getattr(raised.value, "__notes__", ()) if note.startswith("in the chain: ")]
    if name in ("retries", "timeouts"):
        assert paths == []
    elif name != "fallbacks":
        assert len(paths) == 1
        assert paths[0].endswith("(fail)")
