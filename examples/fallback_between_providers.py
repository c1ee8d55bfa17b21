"""An answer in spite of a bad day: OpenAI is asked twice, then Anthropic, also when a stream breaks in its middle.

    python examples/fallback_between_providers.py "Why is the sky blue?"
    python examples/fallback_between_providers.py "Why is the sky blue?" --first openai:no-such-model

A wrong name or key, a full server, silence and a cut connection all lead on. If half of an answer has been shown by
then, a line says that it does not count, and the next one begins. At the end there is a tree of what was tried.
"""

import argparse
import sys

from prill import PrillError, Runnable, StrOutputParser, init_chat_model, trace
from prill.language_models import LanguageModelInput
from prill.runnables import StreamRestart


def main() -> None:
    options = read_options()
    chain = build_chain(options.first, options.second, options.patience)
    with trace() as recorded:
        try:
            show(chain, options.question)
        finally:
            recorded.print()


def build_chain(first: str, second: str, patience: float) -> Runnable[LanguageModelInput, str]:
    twice = (
        init_chat_model(first, max_retries=0)  # with_retry does it, where it can be seen
        .with_timeout(first_chunk=patience, between_chunks=patience)
        .with_retry(stop_after_attempt=2, mid_stream="restart")
    )
    other = init_chat_model(second).with_timeout(first_chunk=patience, between_chunks=patience)
    return twice.with_fallbacks([other], mid_stream="restart") | StrOutputParser()


def show(chain: Runnable[LanguageModelInput, str], question: str) -> None:
    """Print the answer as it comes; where the stream begins anew, say so."""
    for piece in chain.stream(question):
        if isinstance(piece, StreamRestart):
            print(f"\n--- {type(piece.error).__name__}: this does not count, once more ---")
        else:
            print(piece, end="", flush=True)
    print("\n")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ask two providers, one after the other.")
    parser.add_argument("question")
    parser.add_argument("--first", default="openai:gpt-4o-mini", help="provider:model (%(default)s)")
    parser.add_argument("--second", default="anthropic:claude-haiku-4-5", help="provider:model (%(default)s)")
    parser.add_argument("--patience", type=float, default=20, help="seconds of silence before the next is asked (20)")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except PrillError as error:
        sys.exit(f"Nobody could answer: {error}")
