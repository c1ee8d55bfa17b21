"""An agent whose tools come from servers of the Model Context Protocol.

    python examples/tools_of_a_server.py "What time is it in Tokyo when it is noon in Oslo?"
    python examples/tools_of_a_server.py "What is here?" --server "npx @modelcontextprotocol/server-filesystem ."

It needs `pip install "prill[mcp]" mcp-server-time`. A server is started once, held for all calls, and ended with the
program. What it sends is taken as data: results are bounded, and never become instructions.
"""

import argparse
import sys

from prill import init_chat_model
from prill.agents import create_agent
from prill.agents.mcp import MCPClient

CLOCK = f"{sys.executable} -m mcp_server_time --local-timezone UTC"


def main() -> None:
    options = read_options()
    with MCPClient({"server": options.server}) as servers:
        tools = servers.tools()
        print("Tools:", ", ".join(tool.name for tool in tools))
        agent = create_agent(init_chat_model(options.model), tools)
        for mode, chunk in agent.stream(options.question, stream_mode=["updates", "messages"]):
            if mode == "messages" and chunk[0].type == "AIMessageChunk":
                print(chunk[0].text, end="", flush=True)
            elif mode == "updates":
                for message in chunk.get("model", {}).get("messages", ()):
                    for call in message.tool_calls:
                        print(f"→ {call['name']} {call['args']}")
    print()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("question")
    parser.add_argument("--server", default=CLOCK, help="the command that starts a server, or its address")
    parser.add_argument("--model", default="openai:gpt-4o-mini")
    return parser.parse_args()


if __name__ == "__main__":
    main()
