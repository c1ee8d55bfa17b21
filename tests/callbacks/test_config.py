"""How two configs become one."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prill.callbacks.base import BaseCallbackHandler
from prill.callbacks.config import check_config, merge_configs
from prill.callbacks.manager import CallbackManager
from prill.callbacks.run import CURRENT_RUN, UNWATCHED, Observer, Run, inside
from prill.errors import ConfigError
from prill.io import BLOCKING
from prill.runnables import RunnableLambda, ensure_config, get_config_list, patch_config
from prill.tracers import collect_runs

configs = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(st.sampled_from("abc"), unique=True),
        "metadata": st.dictionaries(st.sampled_from("xyz"), st.integers()),
        "configurable": st.dictionaries(st.sampled_from("xyz"), st.integers()),
        "max_concurrency": st.integers(1, 9) | st.none(),
        "run_name": st.sampled_from("no"),
    },
)


@given(configs, configs, configs)
def test_merging_is_associative_and_nothing_said_changes_nothing(one, two, three):
    assert merge_configs(merge_configs(one, two), three) == merge_configs(one, merge_configs(two, three))
    assert merge_configs(one, None, {}) == merge_configs(one)


@given(configs, configs)
def test_merging_changes_neither(one, two):
    before = repr((one, two))
    merge_configs(one, two)
    assert repr((one, two)) == before


def test_lists_and_mappings_are_joined_and_other_values_replaced():
    merged = merge_configs(
        {"tags": ["a", "b"], "metadata": {"x": 1, "y": 1}, "run_name": "one", "max_concurrency": 2},
        {"tags": ["b", "c"], "metadata": {"y": 2}, "run_name": "two", "max_concurrency": None},
    )
    assert merged == {"tags": ["a", "b", "c"], "metadata": {"x": 1, "y": 2}, "run_name": "two", "max_concurrency": 2}


def test_an_ensured_config_has_what_user_code_reads():
    full = ensure_config({"tags": ["a"], "metadata": None})
    assert full == {"tags": ["a"], "metadata": {}, "callbacks": None, "recursion_limit": 25, "configurable": {}}


def test_an_ensured_config_takes_over_what_the_run_around_it_says():
    with inside(Run(BLOCKING, {"tags": ["outer"], "configurable": {"k": 1}, "run_name": "outer"})):
        full = ensure_config({"max_concurrency": 2})
    assert (full["tags"], full["configurable"], full["max_concurrency"]) == (["outer"], {"k": 1}, 2)
    assert "run_name" not in full


def test_a_config_for_each_input():
    with pytest.warns(RuntimeWarning, match="the first run has it"):
        first, second = get_config_list({"tags": ["a"], "run_id": "id"}, 2)
    assert (first["run_id"], second.get("run_id")) == ("id", None)
    assert [each["tags"] for each in get_config_list([{"tags": ["a"]}, {"tags": ["b"]}], 2)] == [["a"], ["b"]]
    with pytest.raises(ConfigError, match="Give one config, or one for each input"):
        get_config_list([{}], 2)


def test_new_callbacks_drop_the_name_and_the_id_of_the_old_run():
    patched = patch_config({"run_name": "old", "run_id": "id", "tags": ["t"]}, callbacks=[Observer()])
    assert "run_name" not in patched
    assert "run_id" not in patched
    assert patched["tags"] == ["t"]
    assert patch_config({}, recursion_limit=3, max_concurrency=2, run_name="n", configurable={"a": 1}) == {
        **ensure_config(),
        "recursion_limit": 3,
        "max_concurrency": 2,
        "run_name": "n",
        "configurable": {"a": 1},
    }


def test_inside_a_plain_run_there_is_no_current_run():
    outer = Run(BLOCKING, {"tags": ["outer"]})
    with inside(outer):
        assert CURRENT_RUN.get() is outer
        with inside(UNWATCHED):
            assert CURRENT_RUN.get() is None
        assert CURRENT_RUN.get() is outer
    assert CURRENT_RUN.get() is None


def test_a_key_that_looks_like_a_slip_of_the_pen_is_refused():
    with pytest.raises(ConfigError, match=r"no key 'tag'\. Did you mean 'tags'"):
        check_config({"tag": ["x"]})


def test_keys_of_a_users_own_are_configurable_values():
    config = check_config({"thread_id": "7", "tags": ["a"], "configurable": {"user": 1}})
    assert config == {"tags": ["a"], "configurable": {"thread_id": "7", "user": 1}}


class Mute(BaseCallbackHandler):
    """A handler that does nothing."""


def test_a_manager_joined_with_handlers_stays_a_manager():
    first, second, third = Mute(), Mute(), Mute()
    manager = CallbackManager([first])
    for configs in (
        [{"callbacks": manager}, {"callbacks": [second]}],
        [{"callbacks": [second]}, {"callbacks": manager}],
    ):
        joined = merge_configs(*configs)["callbacks"]
        assert isinstance(joined, CallbackManager)
        assert sorted(map(id, joined.handlers)) == sorted(map(id, [first, second]))
    both = merge_configs({"callbacks": manager}, {"callbacks": CallbackManager([third])})["callbacks"]
    assert both.handlers == [first, third]
    assert manager.handlers == [first]
    assert merge_configs({"callbacks": [first]}, {"callbacks": [second]})["callbacks"] == [first, second]


def test_the_model_and_the_checkpoints_that_are_configured_are_shown_in_metadata():
    config = {"configurable": {"model": "m", "checkpoint_ns": "n", "user": "u"}, "metadata": {"model": "own"}}
    assert ensure_config(config)["metadata"] == {"model": "own", "checkpoint_ns": "n"}
    with collect_runs() as runs:
        RunnableLambda(len).invoke("a", {"configurable": {"model": "m", "checkpoint_ns": "n", "user": "u"}})
    assert runs.traced_runs[0].metadata == {"model": "m", "checkpoint_ns": "n"}


def test_one_id_for_a_batch_of_several_is_a_warning_where_the_batch_is():
    id = uuid4()
    for run in (
        lambda: RunnableLambda(len).batch(["a", "b"], {"run_id": id}),
        lambda: list(RunnableLambda(len).batch_as_completed(["a", "b"], {"run_id": id})),
    ):
        with pytest.warns(RuntimeWarning, match="the first run has it"):
            run()
    assert RunnableLambda(len).batch(["a"], {"run_id": id}) == [1]
