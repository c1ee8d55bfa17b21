"""Similarity of vectors, and maximal marginal relevance: near the question, but not alike.

Carbonell and Goldstein, 1998: https://doi.org/10.1145/290941.291025
"""

from __future__ import annotations

from typing import Any

from prill.embeddings.arrays import cosine_similarity, numpy, to_matrix, unit

__all__ = ["cosine_similarity", "maximal_marginal_relevance"]


def maximal_marginal_relevance(query: Any, vectors: Any, lambda_mult: float = 0.5, k: int = 4) -> list[int]:
    """Return the indices of ``k`` of the vectors, in the order in which they were chosen.

    Each is the one with the most of ``lambda_mult`` · similarity to the query − (1 − ``lambda_mult``) · similarity to
    the nearest chosen before. Similarities are cosines.

    Args:
        query: the vector of the question.
        vectors: those to choose from.
        lambda_mult: the weight of nearness to the question, from 0 to 1.
        k: how many to choose.
    """
    np = numpy()
    if k <= 0 or not len(vectors):
        return []
    rows = unit(to_matrix(vectors))
    near = rows @ unit(to_matrix([query]))[0]
    chosen = [int(np.argmax(near))]
    alike = rows @ rows[chosen[0]]
    while len(chosen) < min(k, len(rows)):
        worth = lambda_mult * near - (1 - lambda_mult) * alike
        worth[chosen] = -np.inf
        chosen.append(int(np.argmax(worth)))
        alike = np.maximum(alike, rows @ rows[chosen[-1]])
    return chosen
