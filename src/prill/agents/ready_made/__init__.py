"""Middleware that many agents need."""
