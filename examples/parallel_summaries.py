"""Summarise many files at once: a bar shows how far it is, the provider's limits are kept, and errors stop nothing.

    python examples/parallel_summaries.py docs/*.md
    python examples/parallel_summaries.py notes/*.txt --at-once 8 --per-minute 60

Each summary is written to `summaries.jsonl` the moment it is there. Start it again, after Ctrl-C or to try the files
that failed, and only what is missing is done.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import IO

from prill import ChatPromptTemplate, Runnable, StrOutputParser, init_chat_model
from prill.rate_limiters import TokenRateLimiter

PROMPT = ChatPromptTemplate.from_template("Summarise this text in one sentence, in its own language.\n\n{text}")


def main() -> None:
    options = read_options()
    done = read_summaries(options.output)
    todo = [path for path in options.files if str(path) not in done]
    print(f"{len(options.files)} files, {len(options.files) - len(todo)} of them done before")

    limiter = TokenRateLimiter(requests_per_minute=options.per_minute, tokens_per_minute=200_000)
    model = init_chat_model(options.model, rate_limiter=limiter)
    summarise: Runnable[Path, str] = read_text | PROMPT | model | StrOutputParser()
    try:
        with options.output.open("a", encoding="utf-8") as output:
            failed = summarise_all(summarise, todo, options.at_once, output)
    except KeyboardInterrupt:
        sys.exit("stopped; what is done is kept")
    for path, error in failed.items():
        print(f"{path}: {type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(1 if failed else 0)


def summarise_all(
    summarise: Runnable[Path, str], paths: list[Path], at_once: int, output: IO[str]
) -> dict[Path, Exception]:
    """Write each summary as it comes; what failed is returned, with why."""
    failed: dict[Path, Exception] = {}
    summaries = summarise.batch_as_completed(paths, {"max_concurrency": at_once}, return_exceptions=True, progress=True)
    for index, summary in summaries:
        if isinstance(summary, Exception):
            failed[paths[index]] = summary
            continue
        print(f"{paths[index]}: {summary}")
        output.write(json.dumps({"file": str(paths[index]), "summary": summary}, ensure_ascii=False) + "\n")
        output.flush()
    return failed


def read_text(path: Path) -> dict[str, str]:
    return {"text": path.read_text(encoding="utf-8")}


def read_summaries(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {entry["file"]: entry["summary"] for entry in map(json.loads, lines)}


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Summarise many files at once.")
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--at-once", type=int, default=4, help="requests at the same time (%(default)s)")
    parser.add_argument("--per-minute", type=int, default=500, help="requests in a minute (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path("summaries.jsonl"), help="(%(default)s)")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
