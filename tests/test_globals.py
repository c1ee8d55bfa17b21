import asyncio

import pytest

from prill.callbacks.run import UNWATCHED
from prill.globals import get_debug, get_verbose, set_debug, set_verbose
from prill.runnables import RunnableLambda
from prill.runnables.config import start_run
from prill.tracers.context import collect_runs


@pytest.fixture(autouse=True)
def _switched_off():
    yield
    set_debug(False)
    set_verbose(False)


def test_debug_prints_every_run(capsys):
    set_debug(True)
    set_debug(True)
    assert get_debug()
    RunnableLambda(str).invoke(1)
    asyncio.run(RunnableLambda(str).ainvoke(1))
    assert capsys.readouterr().out.count("[chain/start]") == 2
    set_debug(False)
    assert not get_debug()
    RunnableLambda(str).invoke(1)
    assert capsys.readouterr().out == ""


def test_verbose_prints_a_line_where_chains_start_and_end(capsys):
    set_verbose(True)
    assert get_verbose()
    (RunnableLambda(str) | len).invoke(1)
    assert capsys.readouterr().out.splitlines()[:2] == ["> RunnableSequence starts", "> str starts"]
    set_verbose(False)
    (RunnableLambda(str) | len).invoke(1)
    assert capsys.readouterr().out == ""


def test_a_block_that_collects_runs_sees_the_switch_turned_either_way(capsys):
    set_debug(True)
    with collect_runs() as collected:
        RunnableLambda(str).invoke(1)
        assert "[chain/start]" in capsys.readouterr().out
        set_debug(False)
        RunnableLambda(str).invoke(1)
    assert capsys.readouterr().out == ""
    assert len(collected.traced_runs) == 2


def test_switched_off_a_run_is_the_shared_constant():
    set_debug(True)
    assert start_run(None) is not UNWATCHED
    set_debug(False)
    assert start_run(None) is UNWATCHED
