"""Names of types that packages use in annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from prill.documents import Document
from prill.outputs import Generation
from prill.runnables import Runnable

T = TypeVar("T")
U = TypeVar("U")
K = TypeVar("K")
V = TypeVar("V")

RETURN_VAL_TYPE = Sequence[Generation]
"""What a cache keeps."""

OutputParserLike = Runnable[Any, T]
RunnableLike = Runnable[Any, Any] | Callable[..., Any] | Mapping[str, Any]
RetrieverOutput = list[Document]
RetrieverLike = Runnable[str, RetrieverOutput]
RetrieverOutputLike = Runnable[Any, RetrieverOutput]
