"""Stores of items: what agents remember beyond one thread, under namespaces and keys.

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.agents.items.base import Item as Item, ItemStore as ItemStore, SearchItem as SearchItem
    from prill.agents.items.stores import InMemoryItemStore as InMemoryItemStore, SQLiteItemStore as SQLiteItemStore

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "base": "Item ItemStore SearchItem",
        "stores": "InMemoryItemStore SQLiteItemStore",
    },
)
