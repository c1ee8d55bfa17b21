"""One rate limit for programs on many machines, kept in Redis."""

from __future__ import annotations

from prill.bulk.redis_connection import RedisConnection
from prill.errors import ConfigError
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode
from prill.rate_limiters import BaseRateLimiter, Estimate, Permit

_ANSWER = 512
_LONGEST_PAUSE = 1.0

# Sixty parts of the time are counted, and the one that is just beginning: no window of it holds more than the limits.
_RESERVE = """
local now = redis.call('TIME')
local part = tonumber(ARGV[1]) / 60
local current = math.floor((now[1] + now[2] / 1000000) / part)
local requests, tokens, first = 0, 0, nil
local kept = redis.call('HGETALL', KEYS[1])
for at = 1, #kept, 2 do
    local kind, number = string.match(kept[at], '(%a):(%d+)')
    if tonumber(number) < current - 60 then
        redis.call('HDEL', KEYS[1], kept[at])
    else
        if kind == 'r' then requests = requests + kept[at + 1] else tokens = tokens + kept[at + 1] end
        if first == nil or tonumber(number) < first then first = tonumber(number) end
    end
end
local most_requests, most_tokens, wanted = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if (most_requests > 0 and requests + 1 > most_requests) or (most_tokens > 0 and tokens + wanted > most_tokens) then
    return {0, math.ceil(((first or current) + 61) * part * 1000 - (now[1] * 1000 + now[2] / 1000))}
end
redis.call('HINCRBY', KEYS[1], 'r:' .. current, 1)
redis.call('HINCRBY', KEYS[1], 't:' .. current, wanted)
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[1] * 2000))
return {1, current}
"""


class RedisRateLimiter(BaseRateLimiter):
    """Keeps to a provider's requests and tokens per minute in all programs that use the same ``name``.

    It asks Redis once before a request, and reports what the answer took: one round trip each, of about half a
    millisecond on a near network. The clock is that of Redis. Requests of one program are let through in no order.

    Args:
        url: Redis, ``redis://host:6379/0``.
        name: what the limit is called there; one for each key of a provider.
        requests_per_minute: a limit; at least one of the two is needed.
        tokens_per_minute: the other.
        seconds: the time that the limits are for.

    Raises ``ConfigError`` for a request whose input alone is over ``tokens_per_minute``.
    """

    def __init__(
        self,
        url: str,
        name: str,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        *,
        seconds: float = 60.0,
    ) -> None:
        if not requests_per_minute and not tokens_per_minute:
            raise ConfigError("a RedisRateLimiter needs a limit: requests_per_minute, tokens_per_minute, or both")
        self._redis = RedisConnection(url)
        self.name = name
        self.requests_per_minute = requests_per_minute
        self.tokens_per_minute = tokens_per_minute
        self.seconds = seconds

    def __repr__(self) -> str:
        return f"RedisRateLimiter({self._redis}, {self.name!r})"

    def acquire(self, *, blocking: bool = True) -> bool:
        return drive(self._acquire(BLOCKING, blocking))

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return await self._acquire(get_asyncio_mode(), blocking)

    async def _acquire(self, io: ExecutionMode, blocking: bool) -> bool:
        return await self._wait(io, 0, blocking) is not None

    async def admit(self, io: ExecutionMode, estimate: Estimate) -> Permit:
        read, written = estimate() if self.tokens_per_minute else (0, 0)
        limit = self.tokens_per_minute
        if limit is not None and read > limit:
            raise ConfigError(
                f"the input takes about {read} tokens, more than tokens_per_minute={limit}: it could never be sent. "
                "Shorten it (trim_messages), or raise the limit if the provider's is higher"
            )
        wanted = 0 if limit is None else min(read + (written or _ANSWER), limit)
        part = await self._wait(io, wanted, True)
        return _Reserved(self, part or 0, wanted, read)

    async def _wait(self, io: ExecutionMode, tokens: int, blocking: bool) -> int | None:
        """Wait until a request may be made; the part of the time that it is counted in."""
        while True:
            granted, value = await io.call(self._reserve, tokens)
            if granted:
                return int(value)
            if not blocking:
                return None
            await io.sleep(min(max(value / 1000, 0.001), _LONGEST_PAUSE))

    def _reserve(self, tokens: int) -> tuple[int, int]:
        limits = self.requests_per_minute or 0, self.tokens_per_minute or 0
        granted, value = self._redis.client.eval(_RESERVE, 1, self._key, self.seconds, *limits, tokens)
        return granted, value

    def correct(self, part: int, tokens: int) -> None:
        """Count more tokens, or fewer, than were reserved in a part of the time."""
        self._redis.client.hincrby(self._key, f"t:{part}", tokens)

    @property
    def _key(self) -> str:
        return f"prill:rate:{self.name}"

    def close(self) -> None:
        """Close the connections now; they are opened again when it is next used."""
        self._redis.close()


class _Reserved(Permit):
    def __init__(self, limiter: RedisRateLimiter, part: int, reserved: int, estimated: int) -> None:
        self._limiter = limiter
        self._part = part
        self._reserved = reserved
        self._estimated = estimated

    def settle(self, input_tokens: int | None, output_tokens: int | None) -> None:
        used = (self._estimated if input_tokens is None else input_tokens) + (output_tokens or 0)
        if self._limiter.tokens_per_minute is not None and used != self._reserved:
            self._limiter.correct(self._part, used - self._reserved)
