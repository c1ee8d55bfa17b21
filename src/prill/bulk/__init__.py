"""One chain over very many rows, on one machine or on a cluster, with nothing lost and nothing paid for twice.

from prill import bulk

report = bulk.run(chain, "reviews.jsonl", "labels.jsonl", key="id", checkpoint="run/")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.bulk.engines.base import Channel as Channel
    from prill.bulk.engines.base import Engine as Engine
    from prill.bulk.engines.dask import DaskEngine as DaskEngine
    from prill.bulk.engines.ray import RayEngine as RayEngine
    from prill.bulk.redis_connection import RedisCache as RedisCache
    from prill.bulk.redis_limits import RedisRateLimiter as RedisRateLimiter
    from prill.bulk.report import Report as Report
    from prill.bulk.running import Result as Result
    from prill.bulk.running import arun as arun
    from prill.bulk.running import export as export
    from prill.bulk.running import run as run
    from prill.bulk.running import stream as stream
    from prill.bulk.settings import Options as Options
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "engines.base": "Channel Engine",
            "engines.dask": "DaskEngine",
            "engines.ray": "RayEngine",
            "redis_connection": "RedisCache",
            "redis_limits": "RedisRateLimiter",
            "report": "Report",
            "running": "Result arun export run stream",
            "settings": "Options",
        },
    )
