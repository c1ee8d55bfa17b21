"""What the documented modules show is there, but for names that are left out on purpose: they are listed here."""

import importlib

import pytest

from prill.compat.module_map import MODULES, names_in

LEFT_OUT = {
    "langchain_core.callbacks.manager": "Func T ahandle_event handle_event shielded",
    "langchain_core.document_loaders": "LangSmithLoader",
    "langchain_core.documents.base": "BaseMedia",
    "langchain_core.exceptions": "ErrorCode create_message",
    "langchain_core.indexing.api": "T",
    "langchain_core.language_models": "ModelProfile ModelProfileRegistry get_tokenizer",
    "langchain_core.language_models.base": "LanguageModelOutputVar get_tokenizer",
    "langchain_core.language_models.llms": (
        "aget_prompts aupdate_cache create_base_retry_decorator get_prompts update_cache"
    ),
    "langchain_core.load.dump": "default",
    "langchain_core.load.load": "Reviver default_init_validator",
    "langchain_core.load.serializable": (
        "BaseSerialized SerializedConstructor SerializedNotImplemented SerializedSecret to_json_not_implemented "
        "try_neq_default"
    ),
    "langchain_core.output_parsers.base": "T",
    "langchain_core.output_parsers.list": "T droplastn",
    "langchain_core.output_parsers.pydantic": "PydanticBaseModel TBaseModel",
    "langchain_core.output_parsers.xml": "nested_element",
    "langchain_core.outputs.chat_generation": "merge_chat_generation_chunks",
    "langchain_core.prompts": "load_prompt",
    "langchain_core.runnables.retry": "U",
    "langchain_core.runnables.utils": "FunctionNonLocals GetLambdaSource IsFunctionArgDict IsLocalDict NonLocals",
    "langchain_core.stores": "K V",
    "langchain_core.tools.base": "get_all_basemodel_annotations",
    "langchain_core.tracers": "EvaluatorCallbackHandler LangChainTracer",
    "langchain_core.tracers.context": "tracing_v2_enabled",
    "langchain_core.tracers.log_stream": "T",
    "langchain_core.utils": (
        "build_extra_kwargs check_package_version get_bolded_text get_color_mapping get_colored_text image mock_now "
        "pre_init print_text raise_for_status_with_text"
    ),
    "langchain_core.utils.aiter": "NoLock T py_anext tee_peer",
    "langchain_core.utils.iter": "NoLock T tee_peer",
    "langchain_core.utils.mustache": "grab_literal l_sa_check parse_tag r_sa_check tokenize",
    "langchain_core.utils.utils": "build_extra_kwargs check_package_version mock_now raise_for_status_with_text",
    "langchain_openai": "OpenAIDecisions custom_tool",
    "langchain_anthropic": "convert_to_anthropic_tool",
    "langchain_anthropic.chat_models": "AnthropicTool convert_to_anthropic_tool",
}
"""Names that serve LangChain's own working, LangSmith, or kinds of models that Prill has not: docs/differences.md."""

ROOTS = ("langchain_core", "langchain_openai", "langchain_anthropic")
THEIRS = [name for name in MODULES if name.partition(".")[0] in ROOTS and not name.endswith("pydantic_v1")]


def shown(module):
    """The names a module is documented to have: its ``__all__``, or the classes and functions that it defines."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return set(listed)
    own = {name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__}
    return {name for name in own if not name.startswith("_") and "[" not in name}


@pytest.mark.parametrize("name", THEIRS)
def test_every_name_is_there_or_left_out_on_purpose(name):
    missing = {each for each in shown(importlib.import_module(name)) - set(names_in(name)) if each[:1] != "_"}
    assert missing - set(LEFT_OUT.get(name, "").split()) - below(name) == set()


def below(name):
    return {each.removeprefix(f"{name}.") for each in MODULES if each.startswith(f"{name}.")}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_not_there(name):
    assert set(LEFT_OUT[name].split()) & set(names_in(name)) == set()
