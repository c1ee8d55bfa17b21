"""Packages whose source distributions have no unit tests: each does its main thing, on both cores.

``python tests/ecosystem/others.py`` prints what each says; the environment must be there (``make ecosystem``).
"""

from __future__ import annotations

import os
import subprocess
import sys

from environment import HOME, PYTHON

LANGSERVE = """
from fastapi import FastAPI
from langchain_core.runnables import RunnableLambda
from langserve import add_routes
from starlette.testclient import TestClient

app = FastAPI()
add_routes(app, RunnableLambda(lambda x: x + 1).with_types(input_type=int, output_type=int))
client = TestClient(app)
VERBS = [("invoke", {"input": 1}), ("batch", {"inputs": [1, 2]})]
print([client.post(f"/{verb}", json=given).json()["output"] for verb, given in VERBS])
with client.stream("POST", "/stream", json={"input": 1}) as answer:
    print([line for line in answer.iter_lines() if line.startswith("event")])
"""

LANGFUSE = """
import gzip, http.server, os, threading

class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        bodies.append(gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass

bodies = []
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
os.environ.update(LANGFUSE_PUBLIC_KEY="p", LANGFUSE_SECRET_KEY="s", LANGFUSE_HOST=address)

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.prompts import ChatPromptTemplate
from langfuse import get_client
from langfuse.langchain import CallbackHandler
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

chain = ChatPromptTemplate.from_template("hi {x}") | GenericFakeChatModel(messages=iter([AIMessage(content="yes")]))
chain.invoke({"x": 1}, {"callbacks": [CallbackHandler()]})
get_client().flush()
requests = map(ExportTraceServiceRequest.FromString, bodies)
scopes = [scope for each in requests for part in each.resource_spans for scope in part.scope_spans]
for span in (span for scope in scopes for span in scope.spans):
    kinds = [each.value.string_value for each in span.attributes if each.key == "langfuse.observation.type"]
    print(span.name, *kinds)
"""

MCP = """
import asyncio, sys
from langchain_mcp_adapters.client import MultiServerMCPClient

SERVER = "from mcp.server.fastmcp import FastMCP\\ns = FastMCP('s')\\n" \\
    "@s.tool()\\ndef add(a: int, b: int) -> int:\\n    'Add.'\\n    return a + b\\ns.run()"

async def main():
    client = MultiServerMCPClient({"s": {"command": sys.executable, "args": ["-c", SERVER], "transport": "stdio"}})
    (tool,) = await client.get_tools()
    print(tool.name, await tool.ainvoke({"a": 1, "b": 2}))

asyncio.run(main())
"""

PROGRAMS = {
    "langserve": LANGSERVE,
    "langfuse": LANGFUSE,
    "langchain-mcp-adapters": MCP,
    "ragas": "import ragas; print('imported')",
}


def main() -> None:
    environment = {**os.environ, "LANGSMITH_TRACING": "false"}
    for name, program in PROGRAMS.items():
        for core, start in (("real core", ()), ("Prill", ("-m", "prill.compat", "--core"))):
            command = [str(PYTHON), "-W", "ignore", *start, "-c", program]
            done = subprocess.run(
                command, cwd=HOME, env=environment, capture_output=True, text=True, check=False, timeout=120
            )
            said = done.stdout.split("\n")[:-1] or done.stderr.strip().split("\n")[-1:]
            print(f"{name:24}{core:12}{'; '.join(said)}")


if __name__ == "__main__":
    sys.exit(main())
