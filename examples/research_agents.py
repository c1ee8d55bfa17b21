"""An agent that gives parts of its work to other agents; what all of them do is shown while they do it.

    python examples/research_agents.py "What do bees and cats have in common?"
    python examples/research_agents.py "Which drinks are there?" --folder docs --model anthropic:claude-haiku-4-5

The editor knows nothing and has two helpers: the reader looks into the folder, the critic looks for mistakes. Each is
an agent with its own limits, and a tool of the editor's. Tokens of all three arrive in one stream, each with its path;
the tokens they use are counted together.
"""

import argparse
from pathlib import Path

from prill import init_chat_model
from prill.agents import Agent, Limits, create_agent
from prill.callbacks import get_usage_metadata_callback

EDITOR = "Answer the question in one sentence. Ask the reader what the texts say, and the critic about your draft."
READER = "Find what the texts say about your task. Use search; answer with what you found, and where."
CRITIC = "Say in one sentence what is wrong with this draft, or that it is fine."


def main() -> None:
    options = read_options()
    editor = make_editor(options.model, options.folder)
    with get_usage_metadata_callback() as usage:
        show(editor, options.question)
    for name, count in usage.usage_metadata.items():
        print(f"{count['input_tokens']} tokens in, {count['output_tokens']} out ({name})")


def make_editor(model_name: str, folder: Path) -> Agent:
    def search(text: str) -> str:
        """Find the lines that have a text, whatever its case."""
        found = [
            f"{path.name}: {line.strip()}"
            for path in sorted(folder.iterdir())
            for line in path.read_text(encoding="utf-8").splitlines()
            if text.lower() in line.lower()
        ]
        return "\n".join(found[:20]) or f"nothing about {text!r}"

    model = init_chat_model(model_name)
    reader = create_agent(model, [search], system_prompt=READER, name="reader", limits=Limits(model_calls=5))
    critic = create_agent(model, system_prompt=CRITIC, name="critic", limits=Limits(model_calls=1))
    return create_agent(model, [reader, critic], system_prompt=EDITOR, name="editor")


def show(agent: Agent, question: str) -> None:
    """Print what each agent says, under its name."""
    speaker = None
    for chunk, about in agent.stream(question, stream_mode="messages"):
        if chunk.type != "AIMessageChunk" or not chunk.text:
            continue  # a tool's result, or a piece of a call
        if about["agent"] != speaker:
            speaker = about["agent"]
            print(f"\n[{speaker}]")
        print(chunk.text, end="", flush=True)
    print("\n")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("question")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent / "texts")
    parser.add_argument("--model", default="openai:gpt-4o-mini")
    return parser.parse_args()


if __name__ == "__main__":
    main()
