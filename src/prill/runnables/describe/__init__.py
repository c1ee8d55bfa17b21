"""Describes a Runnable without running it: types, schemas, settings, parts, streaming."""
