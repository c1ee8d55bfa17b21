"""Two prompts for one task, scored on the same questions, and a page that shows what changed.

    python examples/evaluate_a_chain.py
    python examples/evaluate_a_chain.py --model anthropic:claude-haiku-4-5 --page changes.html

The first prompt lets the model chat; the second asks for the bare name. `exact_match` wants the name and nothing else,
`names_the_capital` is a scorer of our own.
"""

import argparse
import sys

from prill import ChatPromptTemplate, PrillError, StrOutputParser, init_chat_model
from prill.evaluate import compare, evaluate, exact_match

QUESTIONS = [
    {"id": "fr", "input": {"country": "France"}, "expected": "Paris"},
    {"id": "jp", "input": {"country": "Japan"}, "expected": "Tokyo"},
    {"id": "no", "input": {"country": "Norway"}, "expected": "Oslo"},
]
CHATTY = ChatPromptTemplate.from_template("What is the capital of {country}?")
BARE = ChatPromptTemplate.from_template("Name the capital of {country}. Answer with the name alone.")


def names_the_capital(output: str, expected: str, input: dict[str, str]) -> bool:
    return expected in output


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare two prompts.")
    parser.add_argument("--model", default="openai:gpt-4o-mini", help="(%(default)s)")
    parser.add_argument("--page", default="changes.html", help="the page to write (%(default)s)")
    options = parser.parse_args()
    answer = init_chat_model(options.model) | StrOutputParser()
    scorers = [exact_match, names_the_capital]
    before = evaluate(CHATTY | answer, QUESTIONS, scorers, name="chatty")
    after = evaluate(BARE | answer, QUESTIONS, scorers, name="bare")
    changes = compare(before, after)
    changes.print()
    changes.write(options.page)


if __name__ == "__main__":
    try:
        main()
    except PrillError as error:
        sys.exit(str(error))
