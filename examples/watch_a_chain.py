"""A chain seen from inside: what its models say while they say it, then where the time went, and the tokens.

    python examples/watch_a_chain.py "Should a small team write its own database?"
    python examples/watch_a_chain.py "Tea or coffee?" --other anthropic:claude-haiku-4-5 --picture tea.svg

Two models argue at the same time, one for and one against, and the first then weighs it up. The table is made of the
events of `astream_events`; the end of the whole run tells the tokens of each model. `trace` records the same runs, to
print them as a tree and to draw them along time.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass

from rich.live import Live
from rich.table import Column, Table

from prill import (
    ChatPromptTemplate,
    PrillError,
    Runnable,
    RunnablePassthrough,
    StrOutputParser,
    init_chat_model,
    trace,
)
from prill.messages import UsageMetadata
from prill.tracers.schema import StreamEvent

ARGUE = ChatPromptTemplate.from_template("Argue {side} this, in two sentences: {question}")
WEIGH = ChatPromptTemplate.from_template("{question}\n\nFor: {pro}\n\nAgainst: {con}\n\nWeigh it up in one sentence.")


@dataclass
class Line:
    """What is shown of one model's run."""

    name: str
    state: str = "waits"
    chunks: int = 0
    text: str = ""


async def main() -> None:
    options = read_options()
    chain = build_chain(options.model, options.other)
    with trace() as recorded:
        try:
            await watch(chain, options.question)
        finally:
            recorded.print()
    if options.picture:
        recorded.waterfall(options.picture, title=options.question)


def build_chain(model: str, other: str) -> Runnable[dict[str, str], str]:
    pro = ARGUE.partial(side="for") | init_chat_model(model).with_config(run_name="for") | StrOutputParser()
    con = ARGUE.partial(side="against") | init_chat_model(other).with_config(run_name="against") | StrOutputParser()
    weigh = WEIGH | init_chat_model(model).with_config(run_name="verdict") | StrOutputParser()
    return RunnablePassthrough.assign(pro=pro, con=con) | weigh


async def watch(chain: Runnable[dict[str, str], str], question: str) -> None:
    lines: dict[str, Line] = {}
    usage: dict[str, UsageMetadata] = {}
    with Live(auto_refresh=False) as live:
        async for event in chain.astream_events({"question": question}, include_types=["chat_model"]):
            note(lines, event)
            live.update(draw(lines), refresh=True)
            if event["event"] == "on_chain_end":  # of the whole chain: it is always shown
                usage = event["data"].get("usage_metadata", {})
    print()
    for model, tokens in sorted(usage.items()):
        print(f"{model}: {tokens['input_tokens']} tokens read, {tokens['output_tokens']} written")
    print()


def note(lines: dict[str, Line], event: StreamEvent) -> None:
    if event["event"] == "on_chat_model_start":
        lines[event["run_id"]] = Line(event["name"])
    elif event["event"] == "on_chat_model_stream":
        line = lines[event["run_id"]]
        line.state = "speaks"
        line.chunks += 1
        line.text += event["data"]["chunk"].text
    elif event["event"] == "on_chat_model_end":
        lines[event["run_id"]].state = "is done"
    elif event["event"] == "on_chat_model_error":
        lines[event["run_id"]].state = "failed"


def draw(lines: dict[str, Line]) -> Table:
    table = Table("model", "", "chunks", Column("says", ratio=1), expand=True, show_lines=True)
    for line in lines.values():
        table.add_row(line.name, line.state, str(line.chunks), line.text)
    return table


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Watch models argue.")
    parser.add_argument("question")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="argues for, and weighs up (%(default)s)")
    parser.add_argument("--other", default="openai:gpt-4o", help="argues against (%(default)s)")
    parser.add_argument("--picture", help="an SVG file for the runs along time")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except PrillError as error:
        sys.exit(str(error))
