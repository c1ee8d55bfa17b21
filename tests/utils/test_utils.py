"""Small public functions: what they give is what LangChain's give, but where a difference is asserted."""

import importlib

import langchain_core.utils as their_utils
import pytest
from langchain_core.utils import env as their_env
from langchain_core.utils import json_schema as their_json_schema
from langchain_core.utils import mustache as their_mustache
from langchain_core.utils import strings as their_strings
from pydantic import BaseModel, Field, SecretStr

from prill import utils
from prill.errors import ConfigError, MissingDependencyError, MissingVariableError, PromptError
from prill.utils import env, json_schema, mustache, strings


def outcome(function, *args, **kwargs):
    """What a call gives, or the usual kind of its error."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        usual = (KeyError, ImportError, ValueError)
        return next((kind.__name__ for kind in usual if isinstance(error, kind)), repr(error))


@pytest.fixture(autouse=True)
def variables(monkeypatch):
    for name, value in {"GIVEN": "a", "EMPTY": "", "ZERO": "0", "NO": "false"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("UNSET", raising=False)


@pytest.mark.parametrize("key", ["GIVEN", "EMPTY", "ZERO", "NO", "UNSET", ["UNSET", "GIVEN"], ["UNSET", "UNSET"]])
@pytest.mark.parametrize("options", [{}, {"default": "d"}, {"default": None}, {"error_message": "say"}])
def test_values_come_from_the_environment(key, options):
    for name in ("from_env", "secret_from_env"):
        ours, theirs = getattr(utils, name)(key, **options), getattr(their_utils, name)(key, **options)
        assert outcome(ours) == outcome(theirs)


def test_what_is_missing_from_the_environment_is_named():
    with pytest.raises(ConfigError, match="set the environment variable UNSET or OTHER"):
        utils.from_env(["UNSET", "OTHER"])()
    with pytest.raises(ConfigError, match="say"):
        utils.secret_from_env("UNSET", error_message="say")()
    with pytest.raises(ConfigError, match="'api_key' is missing: pass it, or set the environment variable UNSET"):
        utils.get_from_env("api_key", "UNSET")


def test_a_model_s_field_may_come_from_the_environment():
    class Model(BaseModel):
        region: str = Field(default_factory=utils.from_env("GIVEN"))
        key: SecretStr = Field(default_factory=utils.secret_from_env("GIVEN"))

    assert Model().region == "a"
    assert "'a'" not in repr(Model().key)


@pytest.mark.parametrize("name", ["GIVEN", "EMPTY", "ZERO", "NO", "UNSET"])
def test_a_variable_is_set_or_not(name):
    assert env.env_var_is_set(name) == their_env.env_var_is_set(name)


@pytest.mark.parametrize(
    "args",
    [
        ({"k": "v"}, "k", "GIVEN"),
        ({"k": ""}, "k", "GIVEN"),
        ({}, ["x", "k"], "UNSET"),
        ({"k": 1}, ["x", "k"], "UNSET"),
        ({}, "x", "UNSET", "d"),
        ({}, "x", "EMPTY"),
        ({}, "x", "EMPTY", "d"),
    ],
)
def test_values_come_from_a_dict_or_the_environment(args):
    assert outcome(utils.get_from_dict_or_env, *args) == outcome(their_utils.get_from_dict_or_env, *args)


def test_secrets_are_hidden():
    assert utils.convert_to_secret_str("a") == utils.convert_to_secret_str(SecretStr("a")) == SecretStr("a")


@pytest.mark.parametrize(
    "value",
    ["s", 1.5, None, [1, {"a": 2}], {"a": 1, "b": [1, {"c": "x"}]}, {}, [], {"a": {"b": {"c": 1}}}, ("a", 1)],
)
def test_values_as_text(value):
    assert strings.stringify_value(value) == their_strings.stringify_value(value)
    assert strings.stringify_dict({"x": value}) == their_strings.stringify_dict({"x": value})


def test_texts():
    assert utils.comma_list([1, "a"]) == "1, a"
    assert utils.sanitize_for_postgres("a\0b") == "ab"
    assert utils.sanitize_for_postgres("a\0b", "?") == "a?b"


@pytest.mark.parametrize(
    "given", [{"a": 1, "c": 2}, {"a": 1, "b": 2, "c": 3}, {}, {"a": 1, "c": 0}, {"a": 1, "c": None}, {"a": None}]
)
def test_exactly_one_argument_of_each_group(given):
    def function(*, a=None, b=None, c=None, d=None):
        return a, b, c, d

    ours, theirs = (module.xor_args(("a", "b"), ("c", "d"))(function) for module in (utils, their_utils))
    assert outcome(ours, **given) == outcome(theirs, **given)
    assert ours.__name__ == "function"


def test_the_arguments_that_do_not_go_together_are_named():
    @utils.xor_args(("text", "file"))
    def read(*, text=None, file=None):
        return text or file

    with pytest.raises(ConfigError, match="read needs exactly one of text, file; it was given text, file"):
        read(text="a", file="b")


def test_the_names_of_a_model_s_fields():
    class Model(BaseModel):
        a: int = 1
        b: int = Field(1, alias="other")

    names = utils.get_pydantic_field_names(Model)
    assert names == their_utils.get_pydantic_field_names(Model) == {"a", "b", "other"}


def test_a_package_that_may_not_be_there():
    assert utils.guard_import("json").loads("1") == 1
    assert utils.guard_import(".decoder", package="json").__name__ == "json.decoder"
    with pytest.raises(MissingDependencyError, match="not_there is not installed: pip install not-there"):
        utils.guard_import("not_there")
    with pytest.raises(MissingDependencyError, match="pip install other"):
        utils.guard_import("not_there.inner", pip_name="other")


def test_what_a_package_itself_misses_is_no_missing_package(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import of_which_it_needs", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="of_which_it_needs") as caught:
        utils.guard_import("half_there")
    assert not isinstance(caught.value, MissingDependencyError)


# Templates


@pytest.mark.parametrize(
    ("template", "values"),
    [("{a}", {"a": 1}), ("{a}", {}), ("{a:>5}|{a!r}", {"a": "x"}), ("no", {"a": 1}), ("{{}}", {})],
)
def test_the_formatter_fills_by_name(template, values):
    if not set(values) - {name for name in values if "{" + name in template}:
        theirs = outcome(their_utils.formatter.format, template, **values)
        assert outcome(utils.formatter.format, template, **values) == theirs
    else:
        assert utils.formatter.format(template, **values) == template


def test_the_formatter_refuses_what_a_template_may_not_do():
    with pytest.raises(PromptError, match="by name"):
        utils.formatter.format("{}", 1)
    with pytest.raises(PromptError, match="attribute"):
        utils.formatter.format("{a.__class__}", a=1)
    with pytest.raises(MissingVariableError, match="'b'"):
        utils.formatter.validate_input_variables("{a}{b}", ["a"])
    assert utils.formatter.validate_input_variables("{a}", ["a", "c"]) is None


@pytest.mark.parametrize(
    ("template", "data"),
    [
        ("a{{b}}{{#l}}<{{.}}>{{/l}}{{{h}}}{{&h}}{{h}}", {"b": 1, "l": [1, 2], "h": "<"}),
        ("{{^x}}no{{/x}}{{!c}}", {}),
        ("{{a.b}}", {"a": {"b": "deep"}}),
        ("plain", {}),
    ],
)
def test_mustache_templates(template, data):
    assert mustache.render(template, data) == their_mustache.render(template, data)


@pytest.mark.parametrize("template", ["{{#a}}", "{{x"])
def test_broken_mustache_templates_are_refused(template):
    with pytest.raises(mustache.ChevronError):
        mustache.render(template, {})
    with pytest.raises(their_mustache.ChevronError):
        their_mustache.render(template, {})


# Schemas

NESTED = {
    "$defs": {
        "A": {"type": "object", "properties": {"x": {"$ref": "#/$defs/B"}}},
        "B": {"type": "integer", "description": "b"},
    },
    "properties": {
        "a": {"$ref": "#/$defs/A"},
        "l": {"type": "array", "items": {"$ref": "#/$defs/B", "title": "T"}},
    },
}


@pytest.mark.parametrize(
    ("schema", "options"),
    [
        (NESTED, {}),
        (NESTED, {"skip_keys": ["$defs"]}),
        (NESTED, {"skip_keys": ["a", "properties"]}),
        ({"$ref": "#/$defs/A"}, {"full_schema": NESTED}),
        ({"x": [{"$ref": "#/x/1"}, {"y": 1}]}, {}),
    ],
)
def test_references_are_put_in_their_places(schema, options):
    theirs = their_json_schema.dereference_refs(schema, **options)
    assert json_schema.dereference_refs(schema, **options) == theirs


def test_names_in_references_are_unescaped():
    schema = {"a~b": {"c/d": {"z": 1}}, "r": {"$ref": "#/a~0b/c~1d"}, "all": {"$ref": "#/r"}}
    assert json_schema.dereference_refs(schema)["r"] == json_schema.dereference_refs(schema)["all"] == {"z": 1}


def test_a_property_may_be_called_ref():
    schema = {"type": "object", "properties": {"$ref": {"type": "string"}}}
    assert json_schema.dereference_refs(schema) == schema


def test_a_schema_that_refers_to_itself_keeps_the_inner_reference():
    node = {"properties": {"next": {"$ref": "#/$defs/N"}, "v": {"type": "integer"}}}
    schema = {"$defs": {"N": node}, "$ref": "#/$defs/N"}
    assert json_schema.dereference_refs(schema)["properties"] == node["properties"]
    assert schema == {"$defs": {"N": node}, "$ref": "#/$defs/N"}


@pytest.mark.parametrize("reference", ["#/nope", "http://x/y", "#/a/7", "other.json#/a"])
def test_references_that_lead_nowhere_are_refused(reference):
    with pytest.raises(ConfigError, match=r"reference|refers"):
        json_schema.dereference_refs({"x": {"$ref": reference}, "a": [1]})


# Where they are


def test_a_name_of_the_package_is_that_of_its_module():
    for name in utils.__all__:
        module = getattr(getattr(utils, name), "__module__", "")
        assert getattr(importlib.import_module(module), name) is getattr(utils, name)
        assert name in dir(utils)


def test_the_module_of_the_same_name_has_them_too():
    found = importlib.import_module("prill.utils.utils")
    assert found.xor_args is utils.xor_args
    assert found.from_env is utils.from_env
