"""Selectors: they choose the examples that a few-shot prompt shows."""

from prill.example_selectors.base import BaseExampleSelector, LengthBasedExampleSelector
from prill.example_selectors.semantic_similarity import (
    MaxMarginalRelevanceExampleSelector,
    SemanticSimilarityExampleSelector,
    sorted_values,
)

__all__ = [
    "BaseExampleSelector",
    "LengthBasedExampleSelector",
    "MaxMarginalRelevanceExampleSelector",
    "SemanticSimilarityExampleSelector",
    "sorted_values",
]
