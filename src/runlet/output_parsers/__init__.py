"""Output parsers: from what a model says to text, values, lists, XML, instances."""

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
