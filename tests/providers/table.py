"""``docs/providers.md``: what each recorded answer is read as; ``python tests/providers/table.py`` writes the page."""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from runlet.anthropic import ChatAnthropic
from runlet.errors import ModelError
from runlet.messages import AIMessage, merge_chunks, message_chunk_to_message
from runlet.openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from runlet.providers.servers import SERVERS
from runlet.testing import Recording, ReplayServer, recordings_folder

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"
KINDS = ("text", "tool calls", "parallel calls", "thinking", "own tools", "refusal", "usage", "stop reason", "vectors")

INTRO = """# Providers

`make providers` writes this page: it plays recorded answers of real providers to the models, over HTTP, and notes what
the models make of them. The tests compare each answer with what a second, small reader finds in its recording.

| class | speaks | streams | tools | thinking | usage in streams |
|---|---|---|---|---|---|
| `ChatOpenAI` | chat completions; responses (`use_responses_api=True`) | yes | yes | yes | yes |
| `OpenAI` | text completions | yes | – | – | where the server tells it |
| `OpenAIEmbeddings` | embeddings | – | – | – | – |
| `ChatAnthropic` | messages | yes | yes | yes, with signatures | yes |
| `Anthropic` | messages: text in, text out | yes | – | left out of the text | yes |

{servers}
"""

SERVERS_KNOWN = (
    'Servers that speak OpenAI\'s protocol and are known by name (`init_chat_model("groq:…")`, '
    '`ChatOpenAI(server="groq")`): {names}. Others are reached with `base_url`.'
)

SUPPORT = """
## What the recordings of each provider show

How many of its recorded answers hold the thing, and were read with it.
"""

RESULTS = """
## Each recording

*typed error* names the class that is raised: for an error status, for an error inside a stream, and for what is no
answer of the protocol. {failures}

`anthropic.complete` is Anthropic's API of before the messages; it is not spoken, and an answer of it is refused.
`openai-embeddings-batch-1` is no answer of a model, but a page of an organisation's usage.
"""


class Result(NamedTuple):
    """What became of one recording."""

    id: str
    provider: str
    endpoint: str
    streamed: bool
    holds: tuple[str, ...]
    decoded: str


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
    recording = server.recording(id)
    try:
        holds, decoded = tuple(_read(recording, endpoint, server)), "yes"
    except ModelError as error:
        holds, decoded = (), f"typed error {type(error).__name__}"
    server.clear()
    return Result(id, provider, endpoint, recording.streaming, holds, decoded)


def _read(recording: Recording, endpoint: str, server: ReplayServer) -> list[str]:
    settings: dict[str, Any] = {"api_key": "test", "max_retries": 0, "base_url": server.openai_url}
    if endpoint == "openai.embeddings":
        embeddings = OpenAIEmbeddings(**settings)
        count = recording.body.count(b'"embedding":') or 1
        return ["vectors"] if embeddings.embed_documents(["text"] * count) else []
    if endpoint == "openai.completions":
        llm = OpenAI(**settings)
        return ["text"] if ("".join(llm.stream("Hi")) if recording.streaming else llm.invoke("Hi")) else []
    if endpoint.startswith("anthropic"):
        settings["base_url"] = server.anthropic_url
        return list(_kinds(_ask(ChatAnthropic(model="claude", **settings), recording)))
    model = ChatOpenAI(use_responses_api=endpoint == "openai.responses", **settings)
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


def page() -> str:
    """The page, as it is now."""
    found = results()
    errors = sum(result.decoded != "yes" for result in found)
    counted = f"Of {len(found)} recordings {len(found) - errors} are read, {errors} are typed errors; none is neither."
    names = ", ".join(f"`{name}`" for name in SERVERS)
    servers = textwrap.fill(SERVERS_KNOWN.format(names=names), 120, break_long_words=False, break_on_hyphens=False)
    support = _table(("provider", "protocol", "recordings", *KINDS, "errors"), _support(found))
    shown = [
        (f"`{one.id}`", one.provider, one.endpoint, "yes" if one.streamed else "no", ", ".join(one.holds), one.decoded)
        for one in found
    ]
    each = _table(("recording", "provider", "protocol", "streamed", "holds", "decoded"), shown)
    intro = INTRO.format(servers=servers)
    return f"{intro}{SUPPORT}\n{support}{RESULTS.format(failures=counted)}\n{each}"


def _support(found: list[Result]) -> Iterator[tuple[str, ...]]:
    for provider, endpoint in sorted({(result.provider, result.endpoint) for result in found}):
        own = [result for result in found if (result.provider, result.endpoint) == (provider, endpoint)]
        counts = [sum(kind in result.holds for result in own) for kind in KINDS]
        failed = sum(result.decoded != "yes" for result in own)
        yield provider, endpoint, str(len(own)), *(str(count or "") for count in (*counts, failed))


def _table(heads: tuple[str, ...], rows: Any) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    if recordings_folder() is None:
        raise SystemExit("There are no recordings: set RUNLET_WIRE to their folder.")
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Written to {PAGE.name}.")
