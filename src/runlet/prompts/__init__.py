"""Prompts: they turn variables into the input of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runlet.lazy import lazy_names

if TYPE_CHECKING:
    from runlet.prompts.base import BasePromptTemplate, aformat_document, format_document
    from runlet.prompts.chat import (
        AIMessagePromptTemplate,
        BaseChatPromptTemplate,
        ChatMessagePromptTemplate,
        ChatPromptTemplate,
        HumanMessagePromptTemplate,
        MessagesPlaceholder,
        SystemMessagePromptTemplate,
    )
    from runlet.prompts.dict import DictPromptTemplate
    from runlet.prompts.few_shot import FewShotChatMessagePromptTemplate, FewShotPromptTemplate
    from runlet.prompts.few_shot_with_templates import FewShotPromptWithTemplates
    from runlet.prompts.prompt import PromptTemplate
    from runlet.prompts.string import (
        StringPromptTemplate,
        check_valid_template,
        get_template_variables,
        jinja2_formatter,
        validate_jinja2,
    )

__all__ = [
    "AIMessagePromptTemplate",
    "BaseChatPromptTemplate",
    "BasePromptTemplate",
    "ChatMessagePromptTemplate",
    "ChatPromptTemplate",
    "DictPromptTemplate",
    "FewShotChatMessagePromptTemplate",
    "FewShotPromptTemplate",
    "FewShotPromptWithTemplates",
    "HumanMessagePromptTemplate",
    "MessagesPlaceholder",
    "PromptTemplate",
    "StringPromptTemplate",
    "SystemMessagePromptTemplate",
    "aformat_document",
    "check_valid_template",
    "format_document",
    "get_template_variables",
    "jinja2_formatter",
    "validate_jinja2",
]

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "AIMessagePromptTemplate": "runlet.prompts.chat",
            "BaseChatPromptTemplate": "runlet.prompts.chat",
            "BasePromptTemplate": "runlet.prompts.base",
            "ChatMessagePromptTemplate": "runlet.prompts.chat",
            "ChatPromptTemplate": "runlet.prompts.chat",
            "DictPromptTemplate": "runlet.prompts.dict",
            "FewShotChatMessagePromptTemplate": "runlet.prompts.few_shot",
            "FewShotPromptTemplate": "runlet.prompts.few_shot",
            "FewShotPromptWithTemplates": "runlet.prompts.few_shot_with_templates",
            "HumanMessagePromptTemplate": "runlet.prompts.chat",
            "MessagesPlaceholder": "runlet.prompts.chat",
            "PromptTemplate": "runlet.prompts.prompt",
            "StringPromptTemplate": "runlet.prompts.string",
            "SystemMessagePromptTemplate": "runlet.prompts.chat",
            "aformat_document": "runlet.prompts.base",
            "check_valid_template": "runlet.prompts.string",
            "format_document": "runlet.prompts.base",
            "get_template_variables": "runlet.prompts.string",
            "jinja2_formatter": "runlet.prompts.string",
            "validate_jinja2": "runlet.prompts.string",
        },
    )
