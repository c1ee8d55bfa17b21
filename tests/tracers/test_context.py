import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor

import pytest

from prill.callbacks.run import GLOBAL_CALLBACKS
from prill.errors import ConfigError
from prill.runnables import RunnableLambda
from prill.tracers.base import BaseTracer
from prill.tracers.context import collect_runs, register_configure_hook
from prill.tracers.trace import trace

UP = RunnableLambda(str.upper).with_config(run_name="up")


class Names(BaseTracer):
    def __init__(self):
        self.names = []

    def _persist_run(self, run):
        self.names.append(run.name)


@pytest.fixture
def _hooks_removed():
    before = list(GLOBAL_CALLBACKS)
    yield
    GLOBAL_CALLBACKS[:] = before


def test_nothing_is_collected_outside_the_block():
    with collect_runs() as collected:
        pass
    UP.invoke("x")
    assert collected.traced_runs == []


def test_blocks_nest():
    with collect_runs() as outer:
        UP.invoke("a")
        with collect_runs() as inner, trace() as recorded:
            UP.invoke("b")
    assert len(outer.traced_runs) == 2
    assert len(inner.traced_runs) == len(recorded.runs) == 1


def test_tasks_and_threads_started_inside_are_seen():
    async def main():
        with collect_runs() as collected:
            await asyncio.gather(*[asyncio.create_task(UP.ainvoke("x")) for _ in range(3)])
            await asyncio.to_thread(UP.invoke, "x")
            with ThreadPoolExecutor(1) as pool:
                pool.submit(contextvars.copy_context().run, UP.invoke, "x").result()
        return collected

    assert len(asyncio.run(main()).traced_runs) == 5


@pytest.mark.usefixtures("_hooks_removed")
def test_a_registered_variable_brings_its_handler():
    variable = contextvars.ContextVar("mine", default=None)
    register_configure_hook(variable, True)
    UP.invoke("x")
    tracer = Names()
    token = variable.set(tracer)
    UP.invoke("x")
    asyncio.run(UP.ainvoke("x"))
    variable.reset(token)
    UP.invoke("x")
    assert tracer.names == ["up", "up"]


@pytest.mark.usefixtures("_hooks_removed")
def test_an_environment_variable_switches_a_handler_on(monkeypatch):
    made = []

    class Made(Names):
        def __init__(self):
            super().__init__()
            made.append(self)

    register_configure_hook(contextvars.ContextVar("mine", default=None), True, Made, "PRILL_TEST_SWITCH")
    UP.invoke("x")
    assert made == []
    monkeypatch.setenv("PRILL_TEST_SWITCH", "true")
    UP.invoke("x")
    RunnableLambda(lambda text: UP.invoke(text)).with_config(run_name="outer").invoke("x")
    assert [each.names for each in made] == [["up", "outer"]]


def test_an_environment_variable_needs_a_handlers_class():
    with pytest.raises(ConfigError, match="handle_class"):
        register_configure_hook(contextvars.ContextVar("mine"), True, None, "SWITCH")
