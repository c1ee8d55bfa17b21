"""Runnables: units of work, and how they are put together, run and streamed."""

from runlet.io import CancelToken
from runlet.runnables.add import AddableDict, StreamRestart, aadd, add
from runlet.runnables.base import Runnable
from runlet.runnables.binding import RunnableBinding
from runlet.runnables.branch import RouterInput, RouterRunnable, RunnableBranch
from runlet.runnables.coerce import coerce_to_runnable
from runlet.runnables.config import RunnableConfig, ensure_config, get_config_list, merge_configs, patch_config
from runlet.runnables.each import RunnableEach
from runlet.runnables.function import RunnableLambda, chain
from runlet.runnables.generator import RunnableGenerator
from runlet.runnables.parallel import RunnableMap, RunnableParallel
from runlet.runnables.passthrough import RunnableAssign, RunnablePassthrough, RunnablePick
from runlet.runnables.sequence import RunnableSequence
from runlet.runnables.serializable import RunnableSerializable

__all__ = [
    "AddableDict",
    "CancelToken",
    "RouterInput",
    "RouterRunnable",
    "Runnable",
    "RunnableAssign",
    "RunnableBinding",
    "RunnableBranch",
    "RunnableConfig",
    "RunnableEach",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableMap",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnablePick",
    "RunnableSequence",
    "RunnableSerializable",
    "StreamRestart",
    "aadd",
    "add",
    "chain",
    "coerce_to_runnable",
    "ensure_config",
    "get_config_list",
    "merge_configs",
    "patch_config",
]
