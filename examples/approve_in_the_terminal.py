"""An agent that asks before it acts, and that goes on after a crash: each call that writes is approved by a person.

    python examples/approve_in_the_terminal.py "Tell Ada and Bob that the meeting is at ten."
    python examples/approve_in_the_terminal.py --resume

The conversation is a thread in a SQLite file. Kill the program while it asks, and start it with --resume: it asks
again, and runs no call a second time. Answer y, n, or other words, which are the reason why not.
"""

import argparse
from typing import Any

from prill import init_chat_model, tool
from prill.agents import Agent, Command, SQLiteThreads, create_agent

THREAD: Any = {"configurable": {"thread_id": "mail"}}


@tool
def find_address(name: str) -> str:
    """Look up the address of a person."""
    return f"{name.lower()}@example.org"


@tool(approve=True)
def send_mail(to: str, text: str) -> str:
    """Send a mail. This cannot be taken back."""
    return f"sent to {to}"


def main() -> None:
    options = read_options()
    agent = create_agent(
        init_chat_model(options.model), [find_address, send_mail], threads=SQLiteThreads(options.threads)
    )
    given: Any = None if options.resume else {"messages": options.request}
    if options.resume and (waiting := agent.get_state(THREAD).interrupts):
        given = decide(waiting)
    while given is not None or options.resume:
        options.resume = False
        output = run(agent, given)
        given = decide(output["__interrupt__"]) if "__interrupt__" in output else None


def run(agent: Agent, given: Any) -> dict[str, Any]:
    """Run the agent, and print its words and calls."""
    state: dict[str, Any] = {}
    for mode, chunk in agent.stream(given, THREAD, stream_mode=["messages", "values"]):
        if mode == "values":
            state = chunk
        elif chunk[0].type == "AIMessageChunk":
            print(chunk[0].text, end="", flush=True)
        else:
            print(f"  {chunk[0].name}: {chunk[0].text}")
    print()
    return state


def decide(interrupts: Any) -> Command:
    """Ask about each call that waits. The requests are plain JSON: a page in a browser could ask as well."""
    decisions: dict[str, Any] = {}
    for request in (request for each in interrupts for request in each.value["action_requests"]):
        print(f"{request['name']} {request['args']}")
        answer = input("  May I? ").strip()
        if answer.lower() in ("y", "yes"):
            decisions[request["tool_call_id"]] = {"type": "approve"}
        else:
            decisions[request["tool_call_id"]] = {"type": "reject", "message": answer}
    return Command(resume={"decisions": decisions})


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("request", nargs="?", default="Tell Ada and Bob that the meeting is at ten.")
    parser.add_argument("--resume", action="store_true", help="go on where the last run ended")
    parser.add_argument("--threads", default="mail.db", help="the SQLite file of the conversation")
    parser.add_argument("--model", default="openai:gpt-4o-mini")
    return parser.parse_args()


if __name__ == "__main__":
    main()
