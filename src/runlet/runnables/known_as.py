"""Names that the documented API has in ``runnables.base`` too, and the files in which they are."""

from __future__ import annotations

OF_BASE = {
    "RunnableBinding": "runlet.runnables.binding",
    "RunnableBindingBase": "runlet.runnables.binding",
    "RunnableEach": "runlet.runnables.each",
    "RunnableEachBase": "runlet.runnables.each",
    "RunnableGenerator": "runlet.runnables.generator",
    "RunnableLambda": "runlet.runnables.function",
    "RunnableMap": "runlet.runnables.parallel",
    "RunnableParallel": "runlet.runnables.parallel",
    "RunnableSequence": "runlet.runnables.sequence",
    "RunnableSerializable": "runlet.runnables.serializable",
    "chain": "runlet.runnables.function",
    "coerce_to_runnable": "runlet.runnables.coerce",
}
"""Looked up when they are asked for: these files import ``base``."""
