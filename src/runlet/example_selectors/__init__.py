"""Selectors: they choose the examples that a few-shot prompt shows."""

from runlet.example_selectors.base import BaseExampleSelector
from runlet.example_selectors.length_based import LengthBasedExampleSelector
from runlet.example_selectors.semantic_similarity import (
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
