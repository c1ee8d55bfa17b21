"""Compose LLM programs out of streams."""
