"""The way to a provider and back: clients, bytes, and what can go wrong between. Nothing here knows a vendor."""
