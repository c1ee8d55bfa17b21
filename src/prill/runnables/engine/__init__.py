"""How Runnables run: streams and their accumulation, observation, cancellation, overrides, batches, live views."""
