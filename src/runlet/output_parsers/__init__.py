"""Output parsers: from what a model says to text, values, lists, XML, instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runlet.lazy import lazy_names

if TYPE_CHECKING:
    from runlet.output_parsers.base import BaseGenerationOutputParser, BaseLLMOutputParser, BaseOutputParser
    from runlet.output_parsers.json import JsonOutputParser, SimpleJsonOutputParser
    from runlet.output_parsers.list import (
        CommaSeparatedListOutputParser,
        ListOutputParser,
        MarkdownListOutputParser,
        NumberedListOutputParser,
    )
    from runlet.output_parsers.openai_tools import (
        JsonOutputKeyToolsParser,
        JsonOutputToolsParser,
        PydanticToolsParser,
    )
    from runlet.output_parsers.pydantic import PydanticOutputParser
    from runlet.output_parsers.string import StrOutputParser
    from runlet.output_parsers.transform import BaseCumulativeTransformOutputParser, BaseTransformOutputParser
    from runlet.output_parsers.xml import XMLOutputParser

__all__ = [
    "BaseCumulativeTransformOutputParser",
    "BaseGenerationOutputParser",
    "BaseLLMOutputParser",
    "BaseOutputParser",
    "BaseTransformOutputParser",
    "CommaSeparatedListOutputParser",
    "JsonOutputKeyToolsParser",
    "JsonOutputParser",
    "JsonOutputToolsParser",
    "ListOutputParser",
    "MarkdownListOutputParser",
    "NumberedListOutputParser",
    "PydanticOutputParser",
    "PydanticToolsParser",
    "SimpleJsonOutputParser",
    "StrOutputParser",
    "XMLOutputParser",
]

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "BaseCumulativeTransformOutputParser": "runlet.output_parsers.transform",
            "BaseGenerationOutputParser": "runlet.output_parsers.base",
            "BaseLLMOutputParser": "runlet.output_parsers.base",
            "BaseOutputParser": "runlet.output_parsers.base",
            "BaseTransformOutputParser": "runlet.output_parsers.transform",
            "CommaSeparatedListOutputParser": "runlet.output_parsers.list",
            "JsonOutputKeyToolsParser": "runlet.output_parsers.openai_tools",
            "JsonOutputParser": "runlet.output_parsers.json",
            "JsonOutputToolsParser": "runlet.output_parsers.openai_tools",
            "ListOutputParser": "runlet.output_parsers.list",
            "MarkdownListOutputParser": "runlet.output_parsers.list",
            "NumberedListOutputParser": "runlet.output_parsers.list",
            "PydanticOutputParser": "runlet.output_parsers.pydantic",
            "PydanticToolsParser": "runlet.output_parsers.openai_tools",
            "SimpleJsonOutputParser": "runlet.output_parsers.json",
            "StrOutputParser": "runlet.output_parsers.string",
            "XMLOutputParser": "runlet.output_parsers.xml",
        },
    )
