"""Public places of a few functions that live beside what they work on."""
