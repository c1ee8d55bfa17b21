"""The protocols of streams, each a pure translation of facts into bytes: no I/O, no clock."""

from collections.abc import Callable
from functools import partial

from prill.serve.encoders.base import Encoder
from prill.serve.encoders.langserve import LangServeEncoder

PROTOCOLS: dict[str, Callable[[], Encoder]] = {
    "langserve": LangServeEncoder,
    "langserve-events": partial(LangServeEncoder, metadata=False),
}
"""By the name under which stored runs remember their protocol."""
