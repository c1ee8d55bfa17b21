"""Prompts: they turn variables into the input of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.prompts.base import (
        BasePromptTemplate as BasePromptTemplate,
        aformat_document as aformat_document,
        format_document as format_document,
    )
    from prill.prompts.chat import (
        AIMessagePromptTemplate as AIMessagePromptTemplate,
        BaseChatPromptTemplate as BaseChatPromptTemplate,
        ChatMessagePromptTemplate as ChatMessagePromptTemplate,
        ChatPromptTemplate as ChatPromptTemplate,
        HumanMessagePromptTemplate as HumanMessagePromptTemplate,
        MessagesPlaceholder as MessagesPlaceholder,
        SystemMessagePromptTemplate as SystemMessagePromptTemplate,
    )
    from prill.prompts.dict import DictPromptTemplate as DictPromptTemplate
    from prill.prompts.few_shot import (
        FewShotChatMessagePromptTemplate as FewShotChatMessagePromptTemplate,
        FewShotPromptTemplate as FewShotPromptTemplate,
    )
    from prill.prompts.few_shot_with_templates import FewShotPromptWithTemplates as FewShotPromptWithTemplates
    from prill.prompts.prompt import PromptTemplate as PromptTemplate
    from prill.prompts.string import (
        StringPromptTemplate as StringPromptTemplate,
        check_valid_template as check_valid_template,
        get_template_variables as get_template_variables,
        jinja2_formatter as jinja2_formatter,
        validate_jinja2 as validate_jinja2,
    )
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "base": "BasePromptTemplate aformat_document format_document",
            "chat": (
                "AIMessagePromptTemplate BaseChatPromptTemplate ChatMessagePromptTemplate ChatPromptTemplate "
                "HumanMessagePromptTemplate MessagesPlaceholder SystemMessagePromptTemplate"
            ),
            "dict": "DictPromptTemplate",
            "few_shot": "FewShotChatMessagePromptTemplate FewShotPromptTemplate",
            "few_shot_with_templates": "FewShotPromptWithTemplates",
            "prompt": "PromptTemplate",
            "string": (
                "StringPromptTemplate check_valid_template get_template_variables jinja2_formatter validate_jinja2"
            ),
        },
    )
