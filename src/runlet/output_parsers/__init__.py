"""Output parsers: from what a model says to text, values, lists, XML, instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runlet.lazy import lazy_names

if TYPE_CHECKING:
    from runlet.output_parsers.base import BaseGenerationOutputParser, BaseLLMOutputParser, BaseOutputParser
    from runlet.output_parsers.datetime import DatetimeOutputParser
    from runlet.output_parsers.enum import EnumOutputParser
    from runlet.output_parsers.fixing import OutputFixingParser, RetryOutputParser, RetryWithErrorOutputParser
    from runlet.output_parsers.json import JsonOutputParser, SimpleJsonOutputParser
    from runlet.output_parsers.list import (
        CommaSeparatedListOutputParser,
        ListOutputParser,
        MarkdownListOutputParser,
        NumberedListOutputParser,
    )
    from runlet.output_parsers.marks import CompleteOnly, RequiredFirst
    from runlet.output_parsers.openai_tools import (
        JsonOutputKeyToolsParser,
        JsonOutputToolsParser,
        PydanticToolsParser,
    )
    from runlet.output_parsers.partials import is_partial
    from runlet.output_parsers.pydantic import PydanticOutputParser
    from runlet.output_parsers.regex import RegexParser
    from runlet.output_parsers.string import StrOutputParser
    from runlet.output_parsers.structured import ElementsParser, StructuredParser
    from runlet.output_parsers.transform import BaseCumulativeTransformOutputParser, BaseTransformOutputParser
    from runlet.output_parsers.xml import XMLOutputParser

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
            "RegexParser": "runlet.output_parsers.regex",
            "RetryWithErrorOutputParser": "runlet.output_parsers.fixing",
            "RetryOutputParser": "runlet.output_parsers.fixing",
            "OutputFixingParser": "runlet.output_parsers.fixing",
            "EnumOutputParser": "runlet.output_parsers.enum",
            "DatetimeOutputParser": "runlet.output_parsers.datetime",
            "BaseCumulativeTransformOutputParser": "runlet.output_parsers.transform",
            "BaseGenerationOutputParser": "runlet.output_parsers.base",
            "BaseLLMOutputParser": "runlet.output_parsers.base",
            "BaseOutputParser": "runlet.output_parsers.base",
            "BaseTransformOutputParser": "runlet.output_parsers.transform",
            "CommaSeparatedListOutputParser": "runlet.output_parsers.list",
            "CompleteOnly": "runlet.output_parsers.marks",
            "ElementsParser": "runlet.output_parsers.structured",
            "JsonOutputKeyToolsParser": "runlet.output_parsers.openai_tools",
            "JsonOutputParser": "runlet.output_parsers.json",
            "JsonOutputToolsParser": "runlet.output_parsers.openai_tools",
            "ListOutputParser": "runlet.output_parsers.list",
            "MarkdownListOutputParser": "runlet.output_parsers.list",
            "NumberedListOutputParser": "runlet.output_parsers.list",
            "PydanticOutputParser": "runlet.output_parsers.pydantic",
            "PydanticToolsParser": "runlet.output_parsers.openai_tools",
            "RequiredFirst": "runlet.output_parsers.marks",
            "SimpleJsonOutputParser": "runlet.output_parsers.json",
            "StrOutputParser": "runlet.output_parsers.string",
            "StructuredParser": "runlet.output_parsers.structured",
            "XMLOutputParser": "runlet.output_parsers.xml",
            "is_partial": "runlet.output_parsers.partials",
        },
    )
