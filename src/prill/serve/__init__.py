"""Chains behind HTTP: ``App`` serves them, ``RemoteRunnable`` calls them. The extra is ``serve``.

    app = App()
    app.add("/joke", prompt | model | StrOutputParser())      # then: uvicorn module:app

How it is built, for those who add to it:

- ``facts``: one stream of plain facts for each run (started, chunk, event, tool call, usage, and one end).
  ``sources`` makes them of Runnables.
- ``encoders``: pure translations of facts into the bytes of a protocol, ``feed`` and ``finish``, no I/O, no clock.
  ``encoders.PROTOCOLS`` names them, because stored runs remember the protocol of their frames.
- ``exchange``: one request and its answer: body limits, the status that waits for the first chunk, comments into
  silence, clients that leave or stall. ``server``: what all routes share, and how it ends.
- ``stores``: the ``RunStore`` protocol. A ``Producer`` stores the frames of a run, numbered without gaps, before they
  are sent, and holds a lease; readers read from a cursor, so a slow one slows nobody down.
- ``wire`` and ``objects``: values as JSON; ``failures``: errors as clients may see them; ``access``: who asks.

Importing this package loads no vendor's SDK and no web framework until a name is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "access": "Caller Hook require_key",
        "app": "App Cors",
        "inputs": "CustomUserType",
        "mounting": "add_routes",
        "remote": "RemoteRunnable",
        "settings": "Settings",
        "stores.base": "Page RunStore StoredRun",
        "stores": "open_store",
        "stores.memory": "MemoryStore",
    },
)

if TYPE_CHECKING:
    from prill.serve.access import Caller as Caller, Hook as Hook, require_key as require_key
    from prill.serve.app import App as App, Cors as Cors
    from prill.serve.inputs import CustomUserType as CustomUserType
    from prill.serve.mounting import add_routes as add_routes
    from prill.serve.remote import RemoteRunnable as RemoteRunnable
    from prill.serve.settings import Settings as Settings
    from prill.serve.stores import open_store as open_store
    from prill.serve.stores.base import Page as Page, RunStore as RunStore, StoredRun as StoredRun
    from prill.serve.stores.memory import MemoryStore as MemoryStore
