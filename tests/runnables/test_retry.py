"""The same step again: unseen before the first chunk, with a marker after it, and never for what cannot pass."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests_runnables import AsyncioVerbs, BlockingVerbs

from runlet.callbacks.run import Observer
from runlet.errors import Cancelled, CompositionError, ConfigError, ModelAuthenticationError, StreamInterrupted
from runlet.messages import AIMessageChunk
from runlet.openai import ChatOpenAI
from runlet.output_parsers import (
    CommaSeparatedListOutputParser,
    JsonOutputParser,
    JsonOutputToolsParser,
    StrOutputParser,
    XMLOutputParser,
)
from runlet.runnables import (
    RunnableBranch,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    StreamRestart,
)
from runlet.runnables.chunks import SoFar, join
from runlet.testing import Faults, ReplayServer, Reply, check_runnable
from runlet.testing.witness import Witness
