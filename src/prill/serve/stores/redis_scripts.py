"""What a Redis server does with a run, each in one step: Lua, run by ``EVALSHA``.

A run is a hash, whose name is also the channel on which its news are published, and a stream of frames whose ids are
``0-<number>``: Redis refuses an id that is not larger than those before. Times are in seconds since the epoch by the
server's clock, which all workers share, unless one is given. https://redis.io/docs/latest/develop/programmability/eval-intro/
"""

from __future__ import annotations

_NOW = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] + time[2] / 1000000
end
local function expire(seconds)
  redis.call('PEXPIRE', KEYS[2], string.format('%d', (seconds + 60) * 1000))
  redis.call('PEXPIRE', KEYS[1], string.format('%d', (seconds + 60 + tonumber(ARGV[3])) * 1000))
end
local function text(number)
  return string.format('%.6f', number)
end
"""
"""Keys: the hash and the stream. Arguments: the time or nothing, for how long an ended run is kept and is remembered.

A stream lives a minute longer than its run is kept, for readers in the middle of it.
"""

CREATE = (
    _NOW
    + """
local lease = tonumber(ARGV[4])
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'last', 0, 'kept_from', 1, 'size', 0, 'lease_until', text(now + lease), unpack(ARGV, 5))
expire(lease + tonumber(ARGV[2]))
return 1
"""
)

APPEND = (
    _NOW
    + """
local owner, first, ended = ARGV[4], tonumber(ARGV[5]), ARGV[6] == '1'
local max_frames, max_bytes = tonumber(ARGV[7]), tonumber(ARGV[8])
local run = redis.call('HMGET', KEYS[1], 'owner', 'last', 'ended_at', 'size', 'kept_from')
if run[1] ~= owner or run[3] or tonumber(run[2]) + 1 ~= first then return 0 end
local last, size, kept_from = tonumber(run[2]), tonumber(run[4]), tonumber(run[5])
for place = 9, #ARGV do
  last = last + 1
  size = size + #ARGV[place]
  redis.call('XADD', KEYS[2], string.format('0-%d', last), 'f', ARGV[place])
end
local oldest = kept_from
while kept_from < last and (last - kept_from >= max_frames or size > max_bytes) do
  local id = string.format('0-%d', kept_from)
  local found = redis.call('XRANGE', KEYS[2], id, id)[1]
  if found then size = size - #found[2][2] end
  kept_from = kept_from + 1
end
if kept_from > oldest then redis.call('XTRIM', KEYS[2], 'MINID', string.format('0-%d', kept_from)) end
redis.call('HSET', KEYS[1], 'last', last, 'size', size, 'kept_from', kept_from)
if first == 1 and last >= 1 then
  redis.call('PEXPIRE', KEYS[2], math.max(redis.call('PTTL', KEYS[1]), 1))
end
if ended then
  redis.call('HSET', KEYS[1], 'ended_at', text(now))
  expire(tonumber(ARGV[2]))
end
redis.call('PUBLISH', KEYS[1], last)
return kept_from
"""
)

RENEW = (
    _NOW
    + """
local lease = tonumber(ARGV[5])
local run = redis.call('HMGET', KEYS[1], 'owner', 'ended_at', 'stopping')
if run[1] ~= ARGV[4] then return -1 end
redis.call('HSET', KEYS[1], 'lease_until', text(now + lease))
if not run[2] then expire(lease + tonumber(ARGV[2])) end
return run[3] and 1 or 0
"""
)

STOP = (
    _NOW
    + """
local run = redis.call('HMGET', KEYS[1], 'ended_at', 'lease_until')
if run[1] or not run[2] or tonumber(run[2]) <= now then return 0 end
redis.call('HSET', KEYS[1], 'stopping', 1)
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
"""
)

FIND = (
    _NOW
    + """
local names = {'owner', 'principal', 'protocol', 'topic', 'created', 'ended_at', 'lease_until'}
local run = redis.call('HMGET', KEYS[1], unpack(names))
if not run[1] then return false end
local over = tonumber(run[6] or run[7])
return {run[1], run[2], run[3], run[4], run[5], over + tonumber(ARGV[2]) > now and 1 or 0}
"""
)

READ = (
    _NOW
    + """
local after, limit = tonumber(ARGV[4]), tonumber(ARGV[5])
local run = redis.call('HMGET', KEYS[1], 'last', 'kept_from', 'ended_at', 'lease_until')
if not run[1] then return false end
local last, kept_from = tonumber(run[1]), tonumber(run[2])
local first = math.max(after + 1, kept_from)
local frames = {}
if first <= last then
  local found = redis.call('XRANGE', KEYS[2], string.format('0-%d', first), '+', 'COUNT', math.max(limit, 1))
  if #found == 0 then return false end
  for place = 1, limit > 0 and #found or 0 do frames[place] = found[place][2][2] end
end
local left = math.floor((tonumber(run[4]) - now) * 1000)
return {first, last, kept_from, run[3] and 1 or 0, left, frames}
"""
)
