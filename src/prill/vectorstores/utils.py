"""``maximal_marginal_relevance`` under its documented path."""

from prill.vectorstores.mmr import maximal_marginal_relevance

__all__ = ["maximal_marginal_relevance"]
