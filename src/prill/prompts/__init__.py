"""Prompts: they turn variables into the input of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.prompts.base import BasePromptTemplate, aformat_document, format_document
    from prill.prompts.chat import (
        AIMessagePromptTemplate,
        BaseChatPromptTemplate,
        ChatMessagePromptTemplate,
        ChatPromptTemplate,
        HumanMessagePromptTemplate,
        MessagesPlaceholder,
        SystemMessagePromptTemplate,
    )
    from prill.prompts.dict import DictPromptTemplate
    from prill.prompts.few_shot import FewShotChatMessagePromptTemplate, FewShotPromptTemplate
    from prill.prompts.few_shot_with_templates import FewShotPromptWithTemplates
    from prill.prompts.prompt import PromptTemplate
    from prill.prompts.string import (
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
            "AIMessagePromptTemplate": "prill.prompts.chat",
            "BaseChatPromptTemplate": "prill.prompts.chat",
            "BasePromptTemplate": "prill.prompts.base",
            "ChatMessagePromptTemplate": "prill.prompts.chat",
            "ChatPromptTemplate": "prill.prompts.chat",
            "DictPromptTemplate": "prill.prompts.dict",
            "FewShotChatMessagePromptTemplate": "prill.prompts.few_shot",
            "FewShotPromptTemplate": "prill.prompts.few_shot",
            "FewShotPromptWithTemplates": "prill.prompts.few_shot_with_templates",
            "HumanMessagePromptTemplate": "prill.prompts.chat",
            "MessagesPlaceholder": "prill.prompts.chat",
            "PromptTemplate": "prill.prompts.prompt",
            "StringPromptTemplate": "prill.prompts.string",
            "SystemMessagePromptTemplate": "prill.prompts.chat",
            "aformat_document": "prill.prompts.base",
            "check_valid_template": "prill.prompts.string",
            "format_document": "prill.prompts.base",
            "get_template_variables": "prill.prompts.string",
            "jinja2_formatter": "prill.prompts.string",
            "validate_jinja2": "prill.prompts.string",
        },
    )
