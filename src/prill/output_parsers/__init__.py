"""Output parsers: from a model's answer to text, values, lists, XML, instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.output_parsers.base import BaseGenerationOutputParser, BaseLLMOutputParser, BaseOutputParser
    from prill.output_parsers.datetime import DatetimeOutputParser
    from prill.output_parsers.enum import EnumOutputParser
    from prill.output_parsers.fixing import OutputFixingParser, RetryOutputParser, RetryWithErrorOutputParser
    from prill.output_parsers.json import JsonOutputParser, SimpleJsonOutputParser
    from prill.output_parsers.list import (
        CommaSeparatedListOutputParser,
        ListOutputParser,
        MarkdownListOutputParser,
        NumberedListOutputParser,
    )
    from prill.output_parsers.marks import CompleteOnly, RequiredFirst
    from prill.output_parsers.openai_tools import (
        JsonOutputKeyToolsParser,
        JsonOutputToolsParser,
        PydanticToolsParser,
    )
    from prill.output_parsers.partials import is_partial
    from prill.output_parsers.pydantic import PydanticOutputParser
    from prill.output_parsers.regex import RegexParser
    from prill.output_parsers.string import StrOutputParser
    from prill.output_parsers.structured import ElementsParser, StructuredParser
    from prill.output_parsers.transform import BaseCumulativeTransformOutputParser, BaseTransformOutputParser
    from prill.output_parsers.xml import XMLOutputParser

__all__ = [
    "BaseCumulativeTransformOutputParser",
    "BaseGenerationOutputParser",
    "BaseLLMOutputParser",
    "BaseOutputParser",
    "BaseTransformOutputParser",
    "CommaSeparatedListOutputParser",
    "CompleteOnly",
    "DatetimeOutputParser",
    "ElementsParser",
    "EnumOutputParser",
    "JsonOutputKeyToolsParser",
    "JsonOutputParser",
    "JsonOutputToolsParser",
    "ListOutputParser",
    "MarkdownListOutputParser",
    "NumberedListOutputParser",
    "OutputFixingParser",
    "PydanticOutputParser",
    "PydanticToolsParser",
    "RegexParser",
    "RequiredFirst",
    "RetryOutputParser",
    "RetryWithErrorOutputParser",
    "SimpleJsonOutputParser",
    "StrOutputParser",
    "StructuredParser",
    "XMLOutputParser",
    "is_partial",
]

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "RegexParser": "prill.output_parsers.regex",
            "RetryWithErrorOutputParser": "prill.output_parsers.fixing",
            "RetryOutputParser": "prill.output_parsers.fixing",
            "OutputFixingParser": "prill.output_parsers.fixing",
            "EnumOutputParser": "prill.output_parsers.enum",
            "DatetimeOutputParser": "prill.output_parsers.datetime",
            "BaseCumulativeTransformOutputParser": "prill.output_parsers.transform",
            "BaseGenerationOutputParser": "prill.output_parsers.base",
            "BaseLLMOutputParser": "prill.output_parsers.base",
            "BaseOutputParser": "prill.output_parsers.base",
            "BaseTransformOutputParser": "prill.output_parsers.transform",
            "CommaSeparatedListOutputParser": "prill.output_parsers.list",
            "CompleteOnly": "prill.output_parsers.marks",
            "ElementsParser": "prill.output_parsers.structured",
            "JsonOutputKeyToolsParser": "prill.output_parsers.openai_tools",
            "JsonOutputParser": "prill.output_parsers.json",
            "JsonOutputToolsParser": "prill.output_parsers.openai_tools",
            "ListOutputParser": "prill.output_parsers.list",
            "MarkdownListOutputParser": "prill.output_parsers.list",
            "NumberedListOutputParser": "prill.output_parsers.list",
            "PydanticOutputParser": "prill.output_parsers.pydantic",
            "PydanticToolsParser": "prill.output_parsers.openai_tools",
            "RequiredFirst": "prill.output_parsers.marks",
            "SimpleJsonOutputParser": "prill.output_parsers.json",
            "StrOutputParser": "prill.output_parsers.string",
            "StructuredParser": "prill.output_parsers.structured",
            "XMLOutputParser": "prill.output_parsers.xml",
            "is_partial": "prill.output_parsers.partials",
        },
    )
