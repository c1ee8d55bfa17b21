"""Names that ``langchain_classic`` imports from the core's inside."""

import asyncio
import json

import pytest

from prill.compat.inner import classic_names
from prill.errors import CompatError, ConfigError
from prill.messages import HumanMessage

PROMPT = {"_type": "prompt", "input_variables": ["x"], "template": "say {x}", "template_format": "f-string"}


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_a_stored_prompt_is_read(tmp_path, ending):
    file = tmp_path / f"prompt.{ending}"
    file.write_text(json.dumps(PROMPT))  # JSON is YAML
    assert classic_names.load_prompt(file).format(x="hi") == "say hi"


def test_a_stored_prompt_with_examples_is_read():
    example = {"input_variables": ["q"], "template": "Q: {q}"}
    config = {
        "_type": "few_shot",
        "example_prompt": example,
        "examples": [{"q": "one"}],
        "suffix": "Q: {x}",
        "input_variables": ["x"],
    }
    assert classic_names.load_prompt_from_config(config).format(x="two") == "Q: one\n\nQ: two"


def test_what_is_not_read():
    with pytest.raises(ConfigError, match="jinja2"):
        classic_names.load_prompt_from_config({**PROMPT, "template_format": "jinja2"})
    with pytest.raises(ConfigError, match="'chat' cannot be read"):
        classic_names.load_prompt_from_config({"_type": "chat"})
    with pytest.raises(CompatError, match="load_prompt_from_config"):
        classic_names._load_template("template", {})
    with pytest.raises(CompatError, match="GetLambdaSource is a part"):
        classic_names.GetLambdaSource()
    with pytest.raises(CompatError):
        classic_names.tee_peer([])


def test_items_come_in_lists_of_a_size():
    async def items():
        for number in range(3):
            yield number

    async def collected():
        return [part async for part in classic_names._abatch(2, items())]

    assert list(classic_names._batch(2, range(3))) == asyncio.run(collected()) == [[0, 1], [2]]


def test_a_lock_that_locks_nothing():
    async def locked():
        async with classic_names.NoLock():
            return True

    with classic_names.NoLock():
        assert asyncio.run(locked())


def test_parts_of_prompts_and_schemas():
    message = classic_names._convert_to_message(("human", "hi {x}"))
    assert message.format(x=1) == HumanMessage(content="hi 1")
    made = classic_names._create_template_from_message_type("human", "hi {x}")
    assert made.format(x=1) == HumanMessage(content="hi 1")
    schema = {"$defs": {"A": {"type": "string"}}, "a": {"$ref": "#/$defs/A"}}
    assert classic_names._retrieve_ref("#/$defs/A", schema) == {"type": "string"}
    assert classic_names._dereference_refs_helper(schema["a"], schema) == {"type": "string"}


def test_variables_of_jinja2():
    assert classic_names._get_jinja2_variables_from_template("{{ a }} {{ b }}") == {"a", "b"}


def test_a_failure_is_logged(caplog):
    classic_names.log_error_once("post", ValueError("no"))
    assert caplog.messages == ["failed to post: ValueError('no')"]
