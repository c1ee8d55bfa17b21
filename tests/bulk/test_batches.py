"""Providers' batches as engines: split by their limits, submitted once, read to the last row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.bulk.jobs import by_key, question, rows

from prill import bulk
from prill.anthropic import ChatAnthropic
from prill.bulk.engines.batch_apis import AnthropicBatches, OpenAIBatches
from prill.errors import BulkError, ConfigError
from prill.openai import ChatOpenAI
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda
from prill.testing import Faults, ReplayServer, Reply

pytestmark = pytest.mark.usefixtures("folder")

PROMPT = ChatPromptTemplate.from_template("Label {text}")
Provider = tuple[str, Any, Any]


class Killed(Exception):
    """The program ends here."""


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prill.bulk.engines.batches.POLL", 0.02)


@pytest.fixture(params=["openai", "anthropic"])
def provider(request: pytest.FixtureRequest, server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The engine, a chain for it, and the class of its API."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-the-test")
    if request.param == "openai":
        model: Any = ChatOpenAI(model="small", base_url=server.openai_url)
        yield "openai-batch", PROMPT | model | StrOutputParser(), OpenAIBatches
    else:
        model = ChatAnthropic(model="small", base_url=server.anthropic_url)
        yield "anthropic-batch", PROMPT | model | StrOutputParser(), AnthropicBatches


def run(provider: Provider, count: int = 20, **options: Any) -> Any:
    given: Any = {"key": "id", "checkpoint": "run", **options}
    return bulk.run(provider[1], rows(count), "out.jsonl", engine=provider[0], **given)


def online(server: ReplayServer) -> int:
    """How many rows were asked outside of batches."""
    return sum(request.path.endswith(("/completions", "/messages")) for request in server.requests)


def test_all_rows_are_answered_by_one_batch(provider: Provider, server: ReplayServer) -> None:
    server.batches.delay = 0.1
    report = run(provider)
    assert report.done == 20
    assert len(server.batches.created) == 1
    assert online(server) == 0
    line = by_key("out.jsonl")["r7"]
    assert (line["output"], line["model"], line["input_tokens"]) == ("Label text 7", "small", 3)


def test_names_of_rows_are_such_as_providers_take_and_different(provider: Provider, server: ReplayServer) -> None:
    given = [{"id": "ä/" * 60 + str(number), "text": "x"} for number in range(5)]
    bulk.run(provider[1], given, "out.jsonl", key="id", engine=provider[0])
    names = [row["custom_id"] for row in server.batches.created[0].rows]
    assert len(set(names)) == 5
    assert all(name.isalnum() and name.isascii() and len(name) <= 64 for name in names)


def test_batches_are_split_by_their_number_of_rows(
    provider: Provider, server: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider[2], "most_rows", 8)
    assert run(provider).done == 20
    assert [len(batch.rows) for batch in server.batches.created] == [8, 8, 4]


def test_batches_are_split_by_bytes_also_of_text_that_is_not_ascii(
    provider: Provider, server: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider[2], "most_bytes", 4000)
    given = [{"id": number, "text": "ü" * 400} for number in range(10)]
    report = bulk.run(provider[1], given, None, key="id", engine=provider[0])
    assert report.done == 10
    assert len(server.batches.created) > 2
    assert all(len(content) <= 4000 for content in _uploads(server))


def _uploads(server: ReplayServer) -> list[bytes]:
    files = [content for name, content in server.batches.files.items() if name.count("-") == 1]
    bodies = [request.body for request in server.requests if request.path.endswith("messages/batches") and request.body]
    return files or [body[: -len("]}")].removeprefix(b'{"requests":[') for body in bodies]


def test_a_file_has_rows_of_one_model(server: ReplayServer) -> None:
    from prill.runnables import ConfigurableField

    model = ChatOpenAI(model="small", base_url=server.openai_url).configurable_fields(model=ConfigurableField(id="m"))

    async def choose(row: Any) -> Any:
        name = "large" if row["text"].endswith("1") else "small"
        return await (PROMPT | model.with_config(configurable={"m": name})).ainvoke(row)

    report = bulk.run(RunnableLambda(choose), rows(4), None, key="id", engine="openai-batch")
    assert report.done == 4
    models = [{row["body"]["model"] for row in batch.rows} for batch in server.batches.created]
    assert sorted(map(len, models)) == [1, 1]


@pytest.mark.parametrize("point", ["before the answer", "while it runs"])
def test_a_restart_reads_the_batch_and_never_submits_it_again(
    provider: Provider, server: ReplayServer, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    if point == "before the answer":
        kind = provider[2]

        async def killed(self: Any, batch: Any, lines: Any) -> str:
            await created(self, batch, lines)
            raise Killed

        created = kind.create
        with monkeypatch.context() as patch:
            patch.setattr(kind, "create", killed)
            with pytest.raises(Killed):
                run(provider)
    else:
        server.batches.delay = 600.0
        with pytest.raises(Killed):
            run(provider, progress=lambda report: _stop_when(bool(server.batches.created)))
        server.batches.created[0].ends = 0.0
    assert len(server.batches.created) == 1
    report = run(provider)
    assert report.done == 20
    assert len(server.batches.created) == 1
    assert len(by_key("out.jsonl")) == 20


def _stop_when(reached: bool) -> None:
    if reached:
        raise Killed


def test_a_creation_whose_answer_was_lost_is_found_and_not_sent_again(provider: Provider, server: ReplayServer) -> None:
    server.batches.lost_answers = 1
    assert run(provider).done == 20
    assert len(server.batches.created) == 1


def test_rows_that_expired_are_submitted_once_more(provider: Provider, server: ReplayServer) -> None:
    server.batches.expires = lambda name: len(server.batches.created) == 1 and int(name, 16) % 2 == 0
    report = run(provider)
    assert report.done == 20
    first, second = ({row["custom_id"] for row in batch.rows} for batch in server.batches.created)
    assert second == {name for name in first if int(name, 16) % 2 == 0}


@pytest.mark.parametrize("fault", ["expires", "drops"])
def test_rows_that_no_batch_answers_end_as_errors(provider: Provider, server: ReplayServer, fault: str) -> None:
    setattr(server.batches, fault, lambda name: True)
    report = run(provider, 3)
    assert (report.done, report.failed) == (0, 3)
    assert len(server.batches.created) == 2
    line = by_key("out.jsonl")["r0"]
    assert "submitted 2 times" in line["error"]
    assert line["error_type"] == {"expires": "ModelTimeoutError", "drops": "MalformedResponseError"}[fault]


@pytest.mark.parametrize("status", ["completed", "expired", "cancelled"])
def test_results_are_read_however_the_batch_ended(provider: Provider, server: ReplayServer, status: str) -> None:
    server.replies(lambda request: Reply(faults=Faults(status=400)) if question(request).endswith(" 3") else None)
    server.batches.status = status
    report = run(provider, 6)
    assert (report.done, report.failed) == (5, 1)
    assert by_key("out.jsonl")["r3"]["error_type"] == "ModelInvalidRequestError"


def test_a_batch_of_which_all_rows_failed_has_no_output_file(provider: Provider, server: ReplayServer) -> None:
    server.replies(lambda request: Reply(faults=Faults(status=400)))
    report = run(provider, 4)
    assert (report.done, report.failed) == (0, 4)


def test_a_wrong_key_in_a_batch_stops_the_run(provider: Provider, server: ReplayServer) -> None:
    server.replies(lambda request: Reply(faults=Faults(status=401)))
    with pytest.raises(BulkError, match="would happen to every row"):
        run(provider, 4)


def test_a_limit_of_waiting_tokens_is_waited_for(server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenAIBatches, "most_rows", 10)
    server.batches.most_rows = 10
    server.batches.delay = 0.2
    chain = PROMPT | ChatOpenAI(model="small", base_url=server.openai_url) | StrOutputParser()
    report = run(("openai-batch", chain, OpenAIBatches), 30)
    assert (report.done, report.failed) == (30, 0)
    good = [batch for batch in server.batches.created if not batch.failed]
    assert [len(batch.rows) for batch in good] == [10, 10, 10]


MODEL = ChatOpenAI(model="small", api_key="of-nobody", base_url="http://127.0.0.1:9")
OTHER = ChatAnthropic(model="small", api_key="of-nobody", base_url="http://127.0.0.1:9")
REFUSED: dict[str, tuple[Any, str]] = {
    "two models": (PROMPT | MODEL | StrOutputParser() | OTHER, r"step 2 \(ChatOpenAI\), .*step 4 \(ChatAnthropic\)"),
    "fallbacks": (PROMPT | MODEL.with_fallbacks([OTHER]), "fallbacks"),
    "no model": (PROMPT | RunnableLambda(str), "it has none"),
    "another provider's": (PROMPT | OTHER, r"step 2 \(ChatAnthropic\) cannot be run by engine='openai-batch'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_chain_that_does_not_call_one_model_once_is_refused_before_anything_is_sent(
    name: str, server: ReplayServer
) -> None:
    chain, words = REFUSED[name]
    with pytest.raises(ConfigError, match=words):
        bulk.run(chain, rows(3), None, key="id", engine="openai-batch")
    assert server.request_count == 0


def test_a_row_for_which_the_chain_calls_its_model_twice_is_a_row_error(server: ReplayServer) -> None:
    model = ChatOpenAI(model="small", base_url=server.openai_url)

    async def twice(row: Any) -> Any:
        first = await model.ainvoke(row["text"])
        return await model.ainvoke(first.text) if row["id"] == "r1" else first

    report = bulk.run(RunnableLambda(twice), rows(3), "out.jsonl", key="id", engine="openai-batch")
    assert (report.done, report.failed) == (2, 1)
    assert "a second time" in by_key("out.jsonl")["r1"]["error"]


def test_a_row_whose_prompt_fails_is_a_row_error(provider: Provider, server: ReplayServer) -> None:
    given = [*rows(3), {"id": "bad", "other": 1}]
    report = bulk.run(provider[1], given, "out.jsonl", key="id", engine=provider[0])
    assert (report.done, report.failed) == (3, 1)
    assert by_key("out.jsonl")["bad"]["error_type"] == "MissingVariableError"
