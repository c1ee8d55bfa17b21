"""What importing agents loads, and what it costs a program that does not use them."""

import pytest
from tests.helpers import run_apart

HEAVY = {"asyncio", "sqlite3", "mcp", "psycopg", "openai", "anthropic", "httpx", "aiohttp", "urllib3", "numpy", "rich"}


@pytest.fixture(scope="module")
def loaded():
    code = "import sys; {}; print(*sorted(set({}) & set(sys.modules)))"
    names = "from prill.agents import create_agent, Limits, ToolNode, SummarizationMiddleware"
    used = (
        "from prill.agents import create_agent; from prill.language_models import FakeListChatModel; "
        "create_agent(FakeListChatModel(responses=['x'])).invoke('hi')"
    )
    return run_apart(
        {
            "package": code.format("import prill.agents", HEAVY),
            "names": code.format(names, HEAVY),
            "used": code.format(used, HEAVY - {"urllib3"}),
        }
    )


@pytest.mark.parametrize("what", ["package", "names", "used"])
def test_agents_load_nothing_heavy(loaded, what):
    assert loaded[what].split() == []
