"""Output parsers: from a model's answer to text, values, lists, XML, instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.output_parsers.base import (
        BaseGenerationOutputParser as BaseGenerationOutputParser,
        BaseLLMOutputParser as BaseLLMOutputParser,
        BaseOutputParser as BaseOutputParser,
    )
    from prill.output_parsers.datetime import DatetimeOutputParser as DatetimeOutputParser
    from prill.output_parsers.enum import EnumOutputParser as EnumOutputParser
    from prill.output_parsers.fixing import (
        OutputFixingParser as OutputFixingParser,
        RetryOutputParser as RetryOutputParser,
        RetryWithErrorOutputParser as RetryWithErrorOutputParser,
    )
    from prill.output_parsers.json import (
        JsonOutputParser as JsonOutputParser,
        SimpleJsonOutputParser as SimpleJsonOutputParser,
    )
    from prill.output_parsers.list import (
        CommaSeparatedListOutputParser as CommaSeparatedListOutputParser,
        ListOutputParser as ListOutputParser,
        MarkdownListOutputParser as MarkdownListOutputParser,
        NumberedListOutputParser as NumberedListOutputParser,
    )
    from prill.output_parsers.openai_tools import (
        JsonOutputKeyToolsParser as JsonOutputKeyToolsParser,
        JsonOutputToolsParser as JsonOutputToolsParser,
        PydanticToolsParser as PydanticToolsParser,
    )
    from prill.output_parsers.partials import is_partial as is_partial
    from prill.output_parsers.pydantic import PydanticOutputParser as PydanticOutputParser
    from prill.output_parsers.regex import RegexParser as RegexParser
    from prill.output_parsers.shape_for import (
        CompleteOnly as CompleteOnly,
        RequiredFirst as RequiredFirst,
    )
    from prill.output_parsers.string import StrOutputParser as StrOutputParser
    from prill.output_parsers.structured import (
        ElementsParser as ElementsParser,
        StructuredParser as StructuredParser,
    )
    from prill.output_parsers.transform import (
        BaseCumulativeTransformOutputParser as BaseCumulativeTransformOutputParser,
        BaseTransformOutputParser as BaseTransformOutputParser,
    )
    from prill.output_parsers.xml import XMLOutputParser as XMLOutputParser
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "base": "BaseGenerationOutputParser BaseLLMOutputParser BaseOutputParser",
            "datetime": "DatetimeOutputParser",
            "enum": "EnumOutputParser",
            "fixing": "OutputFixingParser RetryOutputParser RetryWithErrorOutputParser",
            "json": "JsonOutputParser SimpleJsonOutputParser",
            "list": (
                "CommaSeparatedListOutputParser ListOutputParser MarkdownListOutputParser NumberedListOutputParser"
            ),
            "openai_tools": "JsonOutputKeyToolsParser JsonOutputToolsParser PydanticToolsParser",
            "partials": "is_partial",
            "pydantic": "PydanticOutputParser",
            "regex": "RegexParser",
            "shape_for": "CompleteOnly RequiredFirst",
            "string": "StrOutputParser",
            "structured": "ElementsParser StructuredParser",
            "transform": "BaseCumulativeTransformOutputParser BaseTransformOutputParser",
            "xml": "XMLOutputParser",
        },
    )
