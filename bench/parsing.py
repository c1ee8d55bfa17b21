"""JSON that arrives in pieces, and arguments of tool calls."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any

from bench.measure import Effort, Row, Sample, at_least, at_most, cpu, duration, in_turn, versus

PIECE = 4


def document(size: int) -> str:
    """A JSON text of about ``size`` characters: records with texts, numbers and lists."""
    records: list[dict[str, Any]] = []
    length = 0
    while length < size:
        index = len(records)
        record = {
            "id": index,
            "name": f"record {index}",
            "score": index / 7,
            "tags": ["red", "green", "blue"],
            "note": 'Some text that is a little longer, with "quotes" in it and a line\nbreak.',
            "done": index % 2 == 0,
        }
        records.append(record)
        length += len(json.dumps(record)) + 2
    return json.dumps({"records": records})


def pieces_of(text: str, length: int = PIECE) -> list[str]:
    return [text[at : at + length] for at in range(0, len(text), length)]


def _parser(cls: Any, size: int, check: bool = True) -> Sample:
    text = document(size)
    pieces = pieces_of(text)

    def work() -> None:
        last = deque(cls().transform(iter(pieces)), maxlen=1)
        if check:
            assert last[0] == json.loads(text)

    return lambda: cpu(work, 1)


def _classes() -> tuple[Any, Any]:
    from langchain_core.output_parsers import JsonOutputParser as Theirs

    from prill.output_parsers import JsonOutputParser as Ours

    return Ours, Theirs


def json_7kb(effort: Effort) -> Row:
    own, theirs = _classes()
    size = effort.of(7_000)
    return versus(
        f"JsonOutputParser, {size / 1000:g} KB in pieces of {PIECE}",
        _parser(own, size),
        _parser(theirs, size),
        at_least(50),
        Effort(min(3, effort.repeats)),
        unit="document",
    )


def json_70kb(effort: Effort) -> Row:
    own, theirs = _classes()
    size = effort.of(70_000)
    own_time = median(in_turn([_parser(own, size)], effort.repeats)[0])
    what = f"JsonOutputParser, {size / 1000:g} KB in pieces of {PIECE}"
    if effort.quick:
        peer, told, measured = _extrapolated(lambda part: _parser(theirs, part), size)
        note = f"the peer was measured {measured}"
    else:
        peer = _parser(theirs, size)()
        note, told = "the peer was measured once", duration(peer)
    return Row(what, f"{duration(own_time)} / document", told, (peer / own_time,), at_least(500), note)


def _extrapolated(make: Callable[[int], Sample], size: int) -> tuple[float, str, str]:
    """What ``size`` would take, in seconds and in words, and what was measured: twice the size takes four times."""
    tenth, fifth = make(size // 10)(), make(size // 5)()
    seconds = fifth * 25
    told = f"{duration(seconds)}, extrapolated (quadratic)"
    return seconds, told, f"at a tenth ({duration(tenth)}) and a fifth ({duration(fifth)}) of the size only"


def _answers() -> Any:
    """A pydantic class for ``document``."""
    from pydantic import BaseModel

    class Record(BaseModel):
        id: int
        name: str
        score: float
        tags: list[str]
        note: str
        done: bool

    class Answer(BaseModel):
        records: list[Record]

    return Answer


def _structured(size: int) -> Sample:
    from prill.output_parsers import StructuredParser

    answer, text = _answers(), document(size)
    parser: StructuredParser[Any] = StructuredParser(answer)
    pieces = pieces_of(text)

    def work() -> None:
        last = deque(parser.transform(iter(pieces)), maxlen=1)
        assert last[0] == answer.model_validate_json(text)

    return lambda: cpu(work, 1)


def structured_70kb(effort: Effort) -> Row:
    """Growing instances of a pydantic class, against growing dicts of the peer."""
    _, theirs = _classes()
    size = effort.of(70_000)
    own_time = median(in_turn([_structured(size)], effort.repeats)[0])
    peer, told, measured = _extrapolated(lambda part: _parser(theirs, part), size)
    note = f"the peer gives dicts; it was measured {measured}"
    what = f"partial pydantic instances, {size / 1000:g} KB in pieces of {PIECE}"
    return Row(what, f"{duration(own_time)} / document", told, (peer / own_time,), at_least(300), note)


def structured_growth(effort: Effort) -> Row:
    """How much dearer a character of a structured answer is in a text ten times as long."""
    small, large = effort.of(7_000), effort.of(70_000)
    few = Effort(min(effort.repeats, 5))
    own_small, own_large = in_turn([_structured(small), _structured(large)], few.repeats)
    ratios = tuple(b / a / 10 for a, b in zip(own_small, own_large, strict=True))
    return Row(
        f"the same, growth {small / 1000:g} KB → {large / 1000:g} KB, per character",
        f"{duration(median(own_large) / large)} / character",
        f"{duration(median(own_small) / small)} (ours, small)",
        ratios,
        at_most(1.5),
    )


def _reparse(parse: Any, size: int) -> Sample:
    pieces = pieces_of(document(size))

    def work() -> None:
        text = ""
        for piece in pieces:
            text += piece
            parse(text)

    return lambda: cpu(work, 1)


def pydantic_core_70kb(effort: Effort) -> Row:
    from pydantic_core import from_json

    return _against("pydantic_core.from_json", lambda text: from_json(text, allow_partial="trailing-strings"), effort)


def jiter_70kb(effort: Effort) -> Row:
    from jiter import from_json

    return _against("jiter.from_json", lambda text: from_json(text.encode(), partial_mode="trailing-strings"), effort)


def partial_json_parser_70kb(effort: Effort) -> Row:
    from partial_json_parser import loads

    own, _ = _classes()
    size = effort.of(70_000)
    own_time = median(in_turn([_parser(own, size)], effort.repeats)[0])
    peer, told, measured = _extrapolated(lambda part: _reparse(loads, part), size)
    what = "the same, against partial_json_parser.loads on each prefix"
    return Row(what, f"{duration(own_time)} / document", told, (peer / own_time,), at_least(1), f"measured {measured}")


def _against(name: str, parse: Any, effort: Effort) -> Row:
    own, _ = _classes()
    size = effort.of(70_000)
    what = f"the same, against {name} on each prefix"
    few = Effort(min(effort.repeats, 2))
    return versus(what, _parser(own, size), _reparse(parse, size), at_least(1), few, unit="document", name=name)


def json_growth(effort: Effort) -> Row:
    """How much dearer a character is in a text a hundred times as long."""
    own, _ = _classes()
    small, large = effort.of(7_000), effort.of(700_000)

    def each(size: int, rounds: int) -> Sample:
        sample = _parser(own, size, check=False)
        length = len(document(size))
        return lambda: sum(sample() for _ in range(rounds)) / rounds / length

    few = Effort(min(effort.repeats, 5))
    own_small, own_large = in_turn([each(small, 20), each(large, 1)], few.repeats)
    ratios = tuple(b / a for a, b in zip(own_small, own_large, strict=True))
    return Row(
        f"JsonOutputParser, growth {small / 1000:g} KB → {large / 1000:g} KB, per character",
        f"{duration(median(own_large))} / character",
        f"{duration(median(own_small))} (ours, small)",
        ratios,
        at_most(1.5),
    )


def _arguments(size: int) -> list[Any]:
    from prill.messages.ai import ai_chunk

    text = json.dumps({"text": "x" * size})
    pieces = pieces_of(text, 10)
    first = ai_chunk("", tool_call_chunks=[{"name": "write", "args": "", "id": "call_1", "index": 0}])
    rest = [ai_chunk("", tool_call_chunks=[{"name": None, "args": piece, "id": None, "index": 0}]) for piece in pieces]
    return [first, *rest]


def _merged(size: int, rounds: int) -> Sample:
    from prill.messages import merge_chunks

    chunks = _arguments(size)

    def work() -> None:
        for _ in range(rounds):
            merged = merge_chunks(chunks)
            assert len(merged.tool_calls[0]["args"]["text"]) == size

    return lambda: cpu(work, rounds * size)


def _parsed(size: int, rounds: int) -> Sample:
    from prill.output_parsers.openai_tools import JsonOutputToolsParser

    chunks = _arguments(size)

    def work() -> None:
        for _ in range(rounds):
            last = deque(JsonOutputToolsParser().transform(iter(chunks)), maxlen=1)
            assert len(last[0][0]["args"]["text"]) == size

    return lambda: cpu(work, rounds * size)


def _growth(what: str, make: Any, effort: Effort) -> Row:
    small, large = effort.of(10_000), effort.of(1_000_000)
    few = Effort(min(effort.repeats, 3))
    own_small, own_large = in_turn([make(small, 20), make(large, 1)], few.repeats)
    ratios = tuple(b / a for a, b in zip(own_small, own_large, strict=True))
    return Row(
        what.format(large=f"{large / 1e6:g} MB", small=f"{small / 1000:g} KB"),
        f"{duration(median(own_large))} / character",
        f"{duration(median(own_small))} (ours, small)",
        ratios,
        at_most(1.5),
    )


def tool_arguments_merged(effort: Effort) -> Row:
    return _growth("{large} of tool arguments in 10-byte pieces, merged, per character (to {small})", _merged, effort)


def tool_arguments_parsed(effort: Effort) -> Row:
    return _growth("the same, streamed through JsonOutputToolsParser", _parsed, effort)


ROWS = [
    json_7kb,
    json_70kb,
    pydantic_core_70kb,
    jiter_70kb,
    partial_json_parser_70kb,
    json_growth,
    structured_70kb,
    structured_growth,
    tool_arguments_merged,
    tool_arguments_parsed,
]
