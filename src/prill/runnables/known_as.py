"""Names that the documented API has in ``runnables.base`` too, and the files in which they are."""

from __future__ import annotations

OF_BASE = {
    "RunnableBinding": "prill.runnables.binding",
    "RunnableBindingBase": "prill.runnables.binding",
    "RunnableEach": "prill.runnables.each",
    "RunnableEachBase": "prill.runnables.each",
    "RunnableGenerator": "prill.runnables.generator",
    "RunnableLambda": "prill.runnables.function",
    "RunnableMap": "prill.runnables.parallel",
    "RunnableParallel": "prill.runnables.parallel",
    "RunnableSequence": "prill.runnables.sequence",
    "RunnableSerializable": "prill.runnables.serializable",
    "chain": "prill.runnables.function",
    "coerce_to_runnable": "prill.runnables.coerce",
}
"""Looked up when they are asked for: these files import ``base``."""
