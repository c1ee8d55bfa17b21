"""The classes that can be written and read again, their ids, and the functions that make them.

An id is where the class once was in LangChain, so that either library reads the texts of the other; the classes that
LangChain does not write have the id of their place in Prill. ``load`` makes only objects of classes in these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Literal, NamedTuple

Group = Literal["messages", "core", "models"]


class Form(NamedTuple):
    """A class that can be written."""

    id: tuple[str, ...]
    module: str
    group: Group

    def kind(self) -> type[Any]:
        """The class; its room is imported when it is asked for."""
        return getattr(import_module(self.module), self.id[-1])  # type: ignore[no-any-return]  # names are text here


_MESSAGES = (
    "AIMessage AIMessageChunk ChatMessage ChatMessageChunk FunctionMessage FunctionMessageChunk HumanMessage "
    "HumanMessageChunk RemoveMessage SystemMessage SystemMessageChunk ToolMessage ToolMessageChunk"
)
_COMPOSITES = (
    "RouterRunnable RunnableAssign RunnableBinding RunnableBranch RunnableEach RunnableParallel RunnablePassthrough "
    "RunnablePick RunnableSequence RunnableWithFallbacks"
)
_PARSERS = (
    "DatetimeOutputParser JsonOutputKeyToolsParser JsonOutputParser JsonOutputToolsParser MarkdownListOutputParser "
    "NumberedListOutputParser RegexParser XMLOutputParser"
)
_TEMPLATES = (
    "AIMessagePromptTemplate ChatMessagePromptTemplate ChatPromptTemplate HumanMessagePromptTemplate "
    "MessagesPlaceholder SystemMessagePromptTemplate"
)

# The id without its last part, the room, the group, the classes.
_TABLE: tuple[tuple[str, str, Group, str], ...] = (
    ("langchain.schema.messages", "prill.messages", "messages", _MESSAGES),
    ("langchain.schema.document", "prill.documents", "core", "Document"),
    (
        "langchain.schema.output",
        "prill.outputs",
        "core",
        "ChatGeneration ChatGenerationChunk Generation GenerationChunk",
    ),
    ("prill.outputs", "prill.outputs", "core", "ChatResult LLMResult RunInfo"),
    ("langchain.prompts.chat", "prill.prompt_values", "core", "ChatPromptValue ChatPromptValueConcrete"),
    ("langchain.prompts.base", "prill.prompt_values", "core", "StringPromptValue"),
    ("langchain.schema.prompt", "prill.prompt_values", "core", "ImagePromptValue"),
    ("langchain.prompts.prompt", "prill.prompts", "core", "PromptTemplate"),
    ("langchain.prompts.chat", "prill.prompts", "core", _TEMPLATES),
    ("langchain.prompts.image", "prill.prompts.image", "core", "ImagePromptTemplate"),
    ("langchain_core.prompts.structured", "prill.prompts.structured", "core", "StructuredPrompt"),
    ("langchain_core.prompts.dict", "prill.prompts", "core", "DictPromptTemplate"),
    ("langchain.prompts.few_shot_with_templates", "prill.prompts", "core", "FewShotPromptWithTemplates"),
    ("prill.prompts", "prill.prompts", "core", "FewShotChatMessagePromptTemplate FewShotPromptTemplate"),
    ("langchain.schema.output_parser", "prill.output_parsers", "core", "StrOutputParser"),
    ("langchain.output_parsers.list", "prill.output_parsers", "core", "CommaSeparatedListOutputParser"),
    ("prill.output_parsers", "prill.output_parsers", "core", _PARSERS),
    ("langchain.schema.runnable", "prill.runnables", "core", _COMPOSITES),
    ("langchain.schema.runnable", "prill.runnables.retry", "core", "RunnableRetry"),
    ("prill.runnables.timeout", "prill.runnables.timeout", "core", "RunnableTimeout"),
    ("langchain.chat_models.openai", "prill.openai", "models", "ChatOpenAI"),
    ("langchain.chat_models.azure_openai", "prill.openai", "models", "AzureChatOpenAI"),
    ("langchain.llms.openai", "prill.openai", "models", "OpenAI"),
    ("langchain_aws.chat_models", "prill.bedrock", "models", "ChatBedrockConverse"),
    ("langchain_google_genai.chat_models", "prill.google", "models", "ChatGoogleGenerativeAI"),
    ("langchain.chat_models.anthropic", "prill.anthropic", "models", "ChatAnthropic"),
    ("prill.anthropic", "prill.anthropic", "models", "Anthropic"),
)

FORMS: dict[str, Form] = {
    name: Form((*within.split("."), name), module, group)
    for within, module, group, names in _TABLE
    for name in names.split()
}
"""By the name of the class: there are no two of one name."""

ROOTS = frozenset(
    (
        *("prill", "langchain", "langchain_core"),
        *("langchain_openai", "langchain_anthropic", "langchain_google_genai", "langchain_aws"),
    )
)
"""Whose ids these are; a class is found by its name in the id of any of them."""

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "RouterRunnable": ("runnables", "name"),
    "RunnableAssign": ("mapper", "name"),
    "RunnableBinding": ("bound", "kwargs", "config"),
    "RunnableBranch": ("branches", "default", "name"),
    "RunnableEach": ("bound", "name"),
    "RunnableParallel": ("steps__", "name"),
    "RunnablePassthrough": ("func", "afunc", "name"),
    "RunnablePick": ("keys", "name"),
    "RunnableRetry": (
        "bound",
        "retry_exception_types",
        "wait_exponential_jitter",
        "exponential_jitter_params",
        "max_attempt_number",
        "mid_stream",
    ),
    "RunnableSequence": ("first", "middle", "last", "name"),
    "RunnableTimeout": ("bound", "first_chunk", "between_chunks", "total"),
    "RunnableWithFallbacks": ("runnable", "fallbacks", "exceptions_to_handle", "exception_key", "mid_stream"),
}
"""The attributes of the classes that are not pydantic models."""


def _retry(kind: type[Any], given: dict[str, Any]) -> Any:
    names = {"retry_exception_types": "retry_if_exception_type", "max_attempt_number": "stop_after_attempt"}
    given = {names.get(name, name): value for name, value in given.items()}
    if isinstance(types := given.get("retry_if_exception_type"), list):
        given["retry_if_exception_type"] = tuple(types)
    return kind(**given)


def _fallbacks(kind: type[Any], given: dict[str, Any]) -> Any:
    return kind(**{**given, "exceptions_to_handle": tuple(given.get("exceptions_to_handle", (Exception,)))})


def _branch(kind: type[Any], given: dict[str, Any]) -> Any:
    return kind(*map(tuple, given["branches"]), given["default"])


def _plainly(kind: type[Any], given: dict[str, Any]) -> Any:
    return kind(**given)


MAKERS: dict[str, Callable[[type[Any], dict[str, Any]], Any]] = {
    "RunnableBranch": _branch,
    "RunnableRetry": _retry,
    "RunnableWithFallbacks": _fallbacks,
}
"""Where the attributes are not the arguments."""


def get_form(kind: type[Any]) -> Form | None:
    """The form of exactly this class; a subclass of it is another class."""
    form = FORMS.get(kind.__name__)
    if form is None or not kind.__module__.startswith("prill."):
        return None
    return form if form.kind() is kind else None


_NOT_READ = frozenset({"additional_content_fields"})
"""Fields that LangChain writes into the parts of prompts and takes no notice of when it reads them."""


def make(form: Form, given: Mapping[str, Any]) -> Any:
    """An object of a form, made of its stored fields."""
    arguments = {name: value for name, value in given.items() if name not in _NOT_READ}
    name = arguments.pop("name", None) if form.id[-1] in ATTRIBUTES else None
    made = MAKERS.get(form.id[-1], _plainly)(form.kind(), arguments)
    if name is not None:
        made.name = name
    return made
