"""A provider for the examples: it says what the documentation shows."""

import asyncio

import pytest
from tests.helpers import require

from seeds.outcomes import outcomes


@pytest.fixture(scope="session")
def ran():
    """What became of the documents' blocks, run once."""
    require("seeds")
    require("faiss")
    return outcomes()


@pytest.fixture
def run():
    """Run a body of asyncio; nothing may be left of it at the end."""

    def run(body):
        async def main():
            result = await body
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return result

        return asyncio.run(main())

    return run
