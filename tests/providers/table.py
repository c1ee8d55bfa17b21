"""``docs/providers.md`` and its Chinese twin: what each recorded answer is read as; running this file writes them."""

from __future__ import annotations

import csv
import functools
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from prill.anthropic import ChatAnthropic
from prill.errors import ModelError
from prill.messages import AIMessage, merge_chunks, message_chunk_to_message
from prill.openai import AzureChatOpenAI, AzureOpenAIEmbeddings, ChatOpenAI, OpenAI, OpenAIEmbeddings
from prill.providers.servers import SERVERS
from prill.testing import Recording, ReplayServer
from recordings import load_recording, recordings_folder

DOCS = Path(__file__).parents[2] / "docs"
KINDS = ("text", "tool calls", "parallel calls", "thinking", "own tools", "refusal", "usage", "stop reason", "vectors")


class Words(NamedTuple):
    """What the page says, in one language."""

    page: Path
    intro: str
    servers: str
    support: str
    results: str
    counted: str
    support_heads: tuple[str, str, str]
    result_heads: tuple[str, ...]
    kinds: dict[str, str]
    errors: str
    yes: str
    no: str
    error: str
    comma: str
    width: int


ENGLISH = Words(
    page=DOCS / "providers.md",
    intro="""# Providers

`make providers` writes this page: it plays recorded answers of real providers to the models, over HTTP, and notes what
the models make of them. The tests compare each answer with what a second, small reader finds in its recording.

| class | speaks | streams | tools | thinking | usage in streams |
|---|---|---|---|---|---|
| `ChatOpenAI` | chat completions; responses (`use_responses_api=True`) | yes | yes | yes | yes |
| `OpenAI` | text completions | yes | – | – | where the server tells it |
| `OpenAIEmbeddings` | embeddings | – | – | – | – |
| `ChatAnthropic` | messages | yes | yes | yes, with signatures | yes |
| `Anthropic` | messages: text in, text out | yes | – | left out of the text | yes |
| `ChatGoogleGenerativeAI` | generateContent | yes | yes | yes, with signatures | yes |
| `GoogleGenerativeAIEmbeddings` | batchEmbedContents | – | – | – | – |
| `ChatBedrockConverse` | converse | yes | yes | yes, with signatures | yes |

`AzureChatOpenAI`, `AzureOpenAI` and `AzureOpenAIEmbeddings` are OpenAI's classes at Azure's addresses, with its keys
and tokens.

{servers}

## What was tested how

No test asks a provider itself: that needs keys, and gives other answers each time. All of them go through HTTP to a
server on the same machine, in blocking code and in asyncio.

| class | recorded answers of the provider | answers written after its reference | a server that is scripted |
|---|---|---|---|
| `ChatOpenAI`, `OpenAI`, `OpenAIEmbeddings` | yes: of OpenAI and of the servers below | – | yes |
| `AzureChatOpenAI`, `AzureOpenAI`, `AzureOpenAIEmbeddings` | yes, of answers | yes: results of the filter | yes |
| `ChatAnthropic`, `Anthropic` | yes | – | yes |
| `ChatGoogleGenerativeAI`, `GoogleGenerativeAIEmbeddings` | no | yes | yes |
| `ChatBedrockConverse` | no | yes, and signatures made after AWS's document | yes |

Google's reference: [generateContent](https://ai.google.dev/api/generate-content),
[embeddings](https://ai.google.dev/api/embeddings),
[thought signatures](https://ai.google.dev/gemini-api/docs/thought-signatures). Amazon's:
[ConverseStream](https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html).
""",
    servers=(
        'Servers that speak OpenAI\'s protocol and are known by name (`init_chat_model("groq:…")`, '
        '`ChatOpenAI(server="groq")`): {names}. Others are reached with `base_url`.'
    ),
    support="""
## What the recordings of each provider show

How many of its recorded answers hold the thing, and were read with it.
""",
    results="""
## Each recording

*typed error* names the class that is raised: for an error status, for an error inside a stream, and for what is no
answer of the protocol. {failures}

`anthropic.complete` is Anthropic's API of before the messages, for models that are no longer served. Prill does not
speak it: `Anthropic` too asks through the messages API, which never answers in the older form. So that form is not
decoded: its stream lacks the end that one of messages has and is a `StreamInterrupted`, its answer in one piece a
`MalformedResponseError`.
`openai-embeddings-batch-1` is no answer of a model, but a page of an organisation's usage.
""",
    counted="Of {all} recordings {read} are read, {errors} are typed errors; none is neither.",
    support_heads=("provider", "protocol", "recordings"),
    result_heads=("recording", "provider", "protocol", "streamed", "holds", "decoded"),
    kinds={kind: kind for kind in KINDS},
    errors="errors",
    yes="yes",
    no="no",
    error="typed error {name}",
    comma=", ",
    width=120,
)

CHINESE = Words(
    page=DOCS / "providers.zh.md",
    intro="""# 供应商

本页由 `make providers` 写成：它通过 HTTP 把录制下来的、真实供应商的回答播放给模型，记下模型读出了什么。\
测试还会用另一个小小的读取程序读同一份录制，把两边的结果相比较。

| 类 | 协议 | 流式 | 工具 | 思考过程 | 流里的用量 |
|---|---|---|---|---|---|
| `ChatOpenAI` | chat completions；responses（`use_responses_api=True`） | 是 | 是 | 是 | 是 |
| `OpenAI` | text completions | 是 | – | – | 服务器给出时才有 |
| `OpenAIEmbeddings` | embeddings | – | – | – | – |
| `ChatAnthropic` | messages | 是 | 是 | 是，带签名 | 是 |
| `Anthropic` | messages：输入文本，输出文本 | 是 | – | 不放进文本 | 是 |
| `ChatGoogleGenerativeAI` | generateContent | 是 | 是 | 是，带签名 | 是 |
| `GoogleGenerativeAIEmbeddings` | batchEmbedContents | – | – | – | – |
| `ChatBedrockConverse` | converse | 是 | 是 | 是，带签名 | 是 |

`AzureChatOpenAI`、`AzureOpenAI` 和 `AzureOpenAIEmbeddings` 就是 OpenAI 的那些类，用 Azure 的地址、密钥和令牌。

{servers}

## 什么是怎样测试的

没有哪个测试去问供应商本身：那需要密钥，而且每次的回答都不同。\
所有测试都通过 HTTP 访问本机上的服务器，阻塞代码和 asyncio 各一遍。

| 类 | 供应商的录制回答 | 按文档写成的回答 | 按脚本回答的服务器 |
|---|---|---|---|
| `ChatOpenAI`、`OpenAI`、`OpenAIEmbeddings` | 有：OpenAI 和下列各服务器的 | – | 是 |
| `AzureChatOpenAI`、`AzureOpenAI`、`AzureOpenAIEmbeddings` | 有回答 | 是：过滤的结果 | 是 |
| `ChatAnthropic`、`Anthropic` | 有 | – | 是 |
| `ChatGoogleGenerativeAI`、`GoogleGenerativeAIEmbeddings` | 没有 | 是 | 是 |
| `ChatBedrockConverse` | 没有 | 是，签名按 AWS 的文档核对 | 是 |

Google 的文档：[generateContent](https://ai.google.dev/api/generate-content)、\
[embeddings](https://ai.google.dev/api/embeddings)、\
[thought signatures](https://ai.google.dev/gemini-api/docs/thought-signatures)。Amazon 的文档：\
[ConverseStream](https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html)。
""",
    servers=(
        '说 OpenAI 协议、可以直接用名字的服务器（`init_chat_model("groq:…")`、`ChatOpenAI(server="groq")`）：'
        "{names}。其他服务器用 `base_url`。"
    ),
    support="""
## 各供应商的回答里有什么

录制下来的回答中，有多少含有该内容，并且正确读出。
""",
    results="""
## 每一份录制的回答

*错误类型*是抛出的类：用于错误状态码、流里面的错误，以及不符合协议的回答。{failures}

`anthropic.complete` 是 Anthropic 在 messages 之前的 API，只用于已停止服务的模型。Prill 不使用它：`Anthropic` 也通过\
 messages API 提问，得到的回答不会是旧格式，因此不解码旧格式。旧格式的流没有 messages 的流那样的结束标志，所以是\
 `StreamInterrupted`；一次性的回答是 `MalformedResponseError`。\
`openai-embeddings-batch-1` 不是模型的回答，而是某个组织的一页用量记录。
""",
    counted="{all} 份录制中，读出 {read} 份，成为错误类型 {errors} 份；没有哪一份两者都不是。",
    support_heads=("供应商", "协议", "份数"),
    result_heads=("录制", "供应商", "协议", "流式", "含有", "读出"),
    kinds={
        "text": "文本",
        "tool calls": "工具调用",
        "parallel calls": "并行调用",
        "thinking": "思考",
        "own tools": "自带工具",
        "refusal": "拒绝",
        "usage": "用量",
        "stop reason": "结束原因",
        "vectors": "向量",
    },
    errors="错误",
    yes="是",
    no="否",
    error="错误类型 {name}",
    comma="、",
    width=0,  # a line's end would be a space between characters
)

LANGUAGES = (ENGLISH, CHINESE)


class Result(NamedTuple):
    """What became of one recording."""

    id: str
    provider: str
    endpoint: str
    streamed: bool
    holds: tuple[str, ...]
    error: str | None


@functools.cache
def results() -> list[Result]:
    """Play every recording to the model that it is for."""
    folder = recordings_folder()
    assert folder is not None
    with (folder / "INDEX.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    with ReplayServer() as server:
        return sorted(_result(row["id"], row["provider/endpoint"], server) for row in rows)


def _result(id: str, where: str, server: ReplayServer) -> Result:
    provider, _, endpoint = where.partition("/")
    recording = server.recording(load_recording(id))
    try:
        holds, failed = tuple(_read(recording, provider, endpoint, server)), None
    except ModelError as error:
        holds, failed = (), type(error).__name__
    server.clear()
    return Result(id, provider, endpoint, recording.streaming, holds, failed)


def _read(recording: Recording, provider: str, endpoint: str, server: ReplayServer) -> list[str]:
    settings: dict[str, Any] = {"api_key": "test", "max_retries": 0, "base_url": server.openai_url}
    if azure := provider == "azure":
        place = {"azure_endpoint": server.url, "azure_deployment": "mine", "api_version": "2024-10-21"}
        settings = {"api_key": "test", "max_retries": 0, **place}
    if endpoint == "openai.embeddings":
        embeddings = (AzureOpenAIEmbeddings if azure else OpenAIEmbeddings)(**settings)
        count = recording.body.count(b'"embedding":') or 1
        return ["vectors"] if embeddings.embed_documents(["text"] * count) else []
    if endpoint == "openai.completions":
        llm = OpenAI(**settings)
        return ["text"] if ("".join(llm.stream("Hi")) if recording.streaming else llm.invoke("Hi")) else []
    if endpoint.startswith("anthropic"):
        settings["base_url"] = server.anthropic_url
        return list(_kinds(_ask(ChatAnthropic(model="claude", **settings), recording)))
    cls = AzureChatOpenAI if azure else ChatOpenAI
    model = cls(use_responses_api=endpoint == "openai.responses", **settings)
    return list(_kinds(_ask(model, recording)))


def _ask(model: Any, recording: Recording) -> AIMessage:
    if not recording.streaming:
        return model.invoke("Hi")  # type: ignore[no-any-return]  # a model's answer
    return message_chunk_to_message(merge_chunks(list(model.stream("Hi"))))  # type: ignore[return-value]  # the same


_BLOCKS_OF_ALL = frozenset({"text", "reasoning", "thinking", "redacted_thinking", "refusal", "tool_use"})


def _kinds(message: AIMessage) -> Iterator[str]:
    blocks = {block["type"] for block in message.content if isinstance(block, dict)}
    if message.text:
        yield "text"
    if message.tool_calls:
        yield "tool calls"
    if len(message.tool_calls) > 1:
        yield "parallel calls"
    thoughts = blocks & {"reasoning", "thinking", "redacted_thinking"}
    if thoughts or message.additional_kwargs.get("reasoning_content"):
        yield "thinking"
    if blocks - _BLOCKS_OF_ALL - {"function_call", "custom_tool_call"}:
        yield "own tools"
    if message.additional_kwargs.get("refusal"):
        yield "refusal"
    if message.usage_metadata is not None:
        yield "usage"
    facts = message.response_metadata
    if facts.get("finish_reason") or facts.get("stop_reason") or facts.get("status"):
        yield "stop reason"


def page(words: Words = ENGLISH) -> str:
    """The page in one language, as it is now."""
    found = results()
    errors = sum(result.error is not None for result in found)
    counted = words.counted.format(all=len(found), read=len(found) - errors, errors=errors)
    servers = words.servers.format(names=words.comma.join(f"`{name}`" for name in SERVERS))
    if words.width:
        servers = textwrap.fill(servers, words.width, break_long_words=False, break_on_hyphens=False)
    heads = (*words.support_heads, *map(words.kinds.__getitem__, KINDS), words.errors)
    support = _table(heads, _support(found))
    each = _table(words.result_heads, (_shown(one, words) for one in found))
    intro = words.intro.format(servers=servers)
    return f"{intro}{words.support}\n{support}{words.results.format(failures=counted)}\n{each}"


def _shown(one: Result, words: Words) -> tuple[str, ...]:
    streamed = words.yes if one.streamed else words.no
    holds = words.comma.join(map(words.kinds.__getitem__, one.holds))
    decoded = words.yes if one.error is None else words.error.format(name=one.error)
    return f"`{one.id}`", one.provider, one.endpoint, streamed, holds, decoded


def _support(found: list[Result]) -> Iterator[tuple[str, ...]]:
    for provider, endpoint in sorted({(result.provider, result.endpoint) for result in found}):
        own = [result for result in found if (result.provider, result.endpoint) == (provider, endpoint)]
        counts = [sum(kind in result.holds for result in own) for kind in KINDS]
        failed = sum(result.error is not None for result in own)
        yield provider, endpoint, str(len(own)), *(str(count or "") for count in (*counts, failed))


def _table(heads: tuple[str, ...], rows: Any) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    if recordings_folder() is None:
        raise SystemExit("There are no recordings: set PRILL_WIRE to their folder.")
    for words in LANGUAGES:
        words.page.write_text(page(words), encoding="utf-8")
        print(f"Written to {words.page.name}.")
