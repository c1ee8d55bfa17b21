"""The protocols of streams, each a pure translation of facts into bytes: no I/O, no clock."""

from collections.abc import Callable
from functools import partial

from prill.serve.encoders.ag_ui import AGUIEncoder
from prill.serve.encoders.ai_sdk import UIMessageEncoder
from prill.serve.encoders.base import Encoder
from prill.serve.encoders.langserve import LangServeEncoder
from prill.serve.encoders.openai_responses import ResponsesEncoder

PROTOCOLS: dict[str, Callable[[], Encoder]] = {
    "ag-ui": AGUIEncoder,
    "ai-sdk": UIMessageEncoder,
    "langserve": LangServeEncoder,
    "langserve-events": partial(LangServeEncoder, metadata=False),
    "openai-responses": ResponsesEncoder,
}
"""By the name under which stored runs remember their protocol."""
