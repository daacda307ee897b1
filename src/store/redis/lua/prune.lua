#!lua
-- Gives up a part of what a feed no longer keeps: the log first, then items below the floor. Returns 1 where there is
-- more to give up.
--
-- KEYS 1 feed, 2 its log, 3 items, 4 listed items by time, 5 items by newest change, 6 pins, 7 the partition's due, 8 altIds
-- ARGV 1 changes kept ('' for all), 2 items kept ('' for all), 3 the time before which days are over (ms, '' for none),
--      4 now (ms), 5 items dropped at most, 6 beginning of the keys of versions, 7 feed id, 8 items looked at at most,
--      9 the same as 3, as records have it

local state = redis.call('HMGET', KEYS[1], 'head', 'floor')
if not state[1] then return 0 end
local head, floor = tonumber(state[1]), tonumber(state[2])

local function digits(n)
  return string.format('%.0f', n)
end

local raised, more = floor, 0
if ARGV[1] ~= '' then raised = math.max(raised, head - math.max(tonumber(ARGV[1]), 1) + 1) end
if ARGV[3] ~= '' then
  -- Times rise with the seq but for the steps of a clock and for imports, so the oldest part of the log has what is
  -- older. What one call looks at is bounded; the next one goes on.
  local entries = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[8])
  for i, entry in ipairs(entries) do
    if tonumber(entry[2][10]) < tonumber(ARGV[3]) then
      raised = math.max(raised, tonumber(string.match(entry[1], '^%d+')) + 1)
      if i == tonumber(ARGV[8]) then more = 1 end
    end
  end
end
if ARGV[2] ~= '' then
  local kept = redis.call('ZREVRANGE', KEYS[4], 0, ARGV[2] - 1)
  if #kept == tonumber(ARGV[2]) then
    local oldest = head
    for _, id in ipairs(kept) do
      oldest = math.min(oldest, tonumber(redis.call('ZSCORE', KEYS[5], id)))
    end
    raised = math.max(raised, oldest)
  end
end
raised = math.min(raised, head)
if raised > floor then
  redis.call('XTRIM', KEYS[2], 'MINID', '=', digits(raised) .. '-0')
  redis.call('HSET', KEYS[1], 'floor', digits(raised))
end
if ARGV[2] == '' and ARGV[3] == '' then return 0 end

-- When an item was published, as its record has it: RFC 3339 in UTC, which can be compared as text.
local function published(id)
  local record = redis.call('HGET', KEYS[3], id)
  return cjson.decode(string.match(record, '^[^\n]*\n([^\n]*)\n')).published
end

-- The last of the items that are kept by their number; what is older goes, and so does what the days are over for.
local last, last_at = nil, nil
if ARGV[2] ~= '' then
  last = redis.call('ZREVRANGE', KEYS[4], ARGV[2] - 1, ARGV[2] - 1)[1]
  last_at = last and published(last)
end
local function is_over(id)
  local at = published(id)
  return ARGV[9] ~= '' and at < ARGV[9] or last and (at < last_at or at == last_at and id < last)
end

local pinned = {}
for place = 1, 3 do
  local holder, ends = string.match(redis.call('HGET', KEYS[6], place) or '', '^(%S+) (%d*)$')
  if holder and (ends == '' or tonumber(ARGV[4]) < tonumber(ends)) then pinned[holder] = true end
end
local function is_needed(id)
  return pinned[id] or redis.call('ZSCORE', KEYS[7], ARGV[7] .. ' ' .. id .. ' breaking')
    or redis.call('ZSCORE', KEYS[7], ARGV[7] .. ' ' .. id .. ' pin')
end

local dropped = 0
local function drop(id)
  dropped = dropped + 1
  redis.call('HDEL', KEYS[3], id)
  redis.call('ZREM', KEYS[4], id)
  redis.call('ZREM', KEYS[5], id)
  redis.call('UNLINK', ARGV[6] .. id)
  -- Its id is never used again.
  redis.call('HSET', KEYS[8], string.gsub(id, '%-', '') .. string.rep('0', 32), id)
end

for _, id in ipairs(redis.call('ZRANGE', KEYS[4], 0, ARGV[8] - 1)) do
  if not is_over(id) then break end
  if tonumber(redis.call('ZSCORE', KEYS[5], id)) < raised and not is_needed(id) then
    if dropped == tonumber(ARGV[5]) then return 1 end
    drop(id)
  end
end

-- Hidden items stand in no order of time. They are found among those below the floor, a part with each call, from
-- where the last call ended.
local from = tonumber(redis.call('HGET', KEYS[1], 'pruned') or 0)
local below = redis.call('ZRANGEBYSCORE', KEYS[5], digits(from), '(' .. digits(raised), 'LIMIT', 0, ARGV[8])
for _, id in ipairs(below) do
  from = tonumber(redis.call('ZSCORE', KEYS[5], id)) + 1
  if not redis.call('ZSCORE', KEYS[4], id) and is_over(id) and not is_needed(id) then
    if dropped == tonumber(ARGV[5]) then return 1 end
    drop(id)
  end
end
if #below == tonumber(ARGV[8]) then
  redis.call('HSET', KEYS[1], 'pruned', digits(from))
  return 1
end
redis.call('HDEL', KEYS[1], 'pruned')
return more
