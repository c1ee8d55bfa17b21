"""Agents: a model, its tools and its limits, as one Runnable."""
