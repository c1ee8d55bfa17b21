"""The same chain, built of the peer's parts and of ours, gives the same output."""

import warnings

import pytest

import prill.runnables as ours

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import langchain_core.runnables as theirs


# Where we mean to differ: a function after a stream without chunks is not run (the peer fails with UnboundLocalError),
# and the sum of dicts whose values change their kind takes the later value (the peer raises TypeError).


def add_one(x):
    return x + 1


def letters(inputs):
    for text in inputs:
        yield from text


def shout(inputs):
    for text in inputs:
        yield text.upper()


CHAINS = {
    "function": (lambda m: m.RunnableLambda(add_one), 1),
    "two functions": (lambda m: m.RunnableLambda(add_one) | add_one, 1),
    "text": (lambda m: m.RunnableLambda(str) | len, 12345),
    "generator": (lambda m: m.RunnableGenerator(letters), "abc"),
    "two generators": (lambda m: m.RunnableGenerator(letters) | shout, "abc"),
    "generator then function": (lambda m: m.RunnableGenerator(letters) | len, "abc"),
    "function then generator": (lambda m: m.RunnableLambda(str) | letters, 123),
    "generator, function, generator": (lambda m: m.RunnableGenerator(letters) | str.upper | letters, "abc"),
    "parallel": (lambda m: m.RunnableParallel(a=add_one, b=str), 1),
    "parallel of one generator": (lambda m: m.RunnableParallel(a=m.RunnableGenerator(letters)), "abc"),
    "dict as a step": (lambda m: m.RunnableLambda(add_one) | {"a": add_one, "b": str} | str, 1),
    "dict as the first step": (lambda m: {"a": add_one} | m.RunnableLambda(lambda d: d["a"]), 1),
    "nested dicts": (lambda m: m.RunnableLambda(add_one) | {"a": {"b": {"c": add_one}}}, 1),
    "generator into one branch": (lambda m: m.RunnableGenerator(letters) | {"a": m.RunnablePassthrough()}, "ab"),
    "passthrough": (lambda m: m.RunnablePassthrough(), {"a": 1}),
    "passthrough in a chain": (lambda m: m.RunnableGenerator(letters) | m.RunnablePassthrough() | shout, "abc"),
    "passthrough with a function": (lambda m: m.RunnablePassthrough(lambda x: None) | add_one, 1),
    "assign": (lambda m: m.RunnablePassthrough.assign(b=lambda d: d["a"] + 1), {"a": 1}),
    "assign two": (lambda m: m.RunnablePassthrough.assign(b=lambda d: 2, c=lambda d: 3) | str, {"a": 1}),
    "assign over a key": (lambda m: m.RunnablePassthrough.assign(a=lambda d: d["a"] + 1), {"a": 1, "k": 0}),
    "assign as a method": (lambda m: m.RunnableLambda(lambda x: {"x": x}).assign(y=lambda d: d["x"] * 2), 4),
    "pick one": (lambda m: m.RunnableLambda(lambda x: {"x": x, "y": 2}).pick("y"), 1),
    "pick some": (lambda m: m.RunnableLambda(lambda x: {"x": x, "y": 2}).pick(["y", "x", "z"]), 1),
    "pick what is not there": (lambda m: m.RunnableLambda(lambda x: {"x": x}).pick("none"), 1),
    "map": (lambda m: m.RunnableLambda(add_one).map(), [1, 2, 3]),
    "map of nothing": (lambda m: m.RunnableLambda(add_one).map(), []),
    "bind": (lambda m: m.RunnableLambda(lambda x, by=1: x * by).bind(by=3) | add_one, 2),
    "config": (lambda m: m.RunnableLambda(lambda x, config: config["tags"]).with_config(tags=["a"]), 1),
    "config inherited": (
        lambda m: (m.RunnableLambda(add_one) | (lambda x, config: config["tags"])).with_config(tags=["a"]),
        1,
    ),
    "function that returns a chain": (lambda m: m.RunnableLambda(lambda x: m.RunnableLambda(str) | letters), 123),
    "chain decorator": (lambda m: m.chain(lambda x: m.RunnableLambda(add_one).invoke(x)) | add_one, 1),
    "generator function in chain": (lambda m: m.chain(lambda x: x) | letters | shout, "ab"),
    "pipe": (lambda m: m.RunnableLambda(add_one).pipe(add_one, str), 1),
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("verb", ["invoke", "stream", "batch"])
def test_outputs_are_the_peers(name, verb):
    build, input = CHAINS[name]
    outputs = []
    for module in (theirs, ours):
        part = build(module)
        if verb == "batch":
            outputs.append(part.batch([input, input]))
        else:
            output = getattr(part, verb)(input)
            outputs.append(list(output) if verb == "stream" else output)
    if verb == "stream" and outputs[0] and isinstance(outputs[0][0], dict):
        # Branches run at once, so their order may vary.
        outputs = [sorted(map(repr, chunks)) for chunks in outputs]
    assert outputs[1] == outputs[0]
