"""Maximal marginal relevance."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from prill.vectorstores.utils import cosine_similarity, maximal_marginal_relevance

numbers = st.lists(st.integers(-5, 5), min_size=3, max_size=3)


def by_definition(query, vectors, weight, k):
    near = cosine_similarity([query], vectors)[0]
    between = cosine_similarity(vectors, vectors)
    chosen = []
    while len(chosen) < min(k, len(vectors)):
        left = [at for at in range(len(vectors)) if at not in chosen]
        worth = [
            near[at] if not chosen else weight * near[at] - (1 - weight) * max(between[at][c] for c in chosen)
            for at in left
        ]
        chosen.append(left[int(np.argmax(np.round(worth, 5)))])
    return chosen


@settings(max_examples=60)
@given(query=numbers, vectors=st.lists(numbers, min_size=1, max_size=8), k=st.integers(1, 9))
def test_it_chooses_each_once_and_the_nearest_first(query, vectors, k):
    chosen = maximal_marginal_relevance(query, vectors, 0.5, k)
    assert len(set(chosen)) == len(chosen) == min(k, len(vectors))
    near = cosine_similarity([query], vectors)[0]
    assert near[chosen[0]] == max(near)


def test_it_is_the_formula():
    random = np.random.default_rng(3)
    for weight in (0.0, 0.3, 0.7, 1.0):
        vectors, query = random.standard_normal((12, 5)), random.standard_normal(5)
        assert maximal_marginal_relevance(query, vectors, weight, 6) == by_definition(query, vectors, weight, 6)


def test_nothing_is_chosen_of_nothing():
    assert maximal_marginal_relevance([1.0], [], 0.5, 3) == []
    assert maximal_marginal_relevance([1.0], [[1.0]], 0.5, 0) == []
