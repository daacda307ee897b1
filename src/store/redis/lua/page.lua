-- A page of listed items, newest first: {'ok' or 'gone', state, 'end' or the cursor of the last item looked at, pinned,
-- items}.
--
-- KEYS 3 items, 4 listed items by time, 5 pins
-- ARGV 1 published of the cursor (ms, '' for the first page), 2 its item, 3 items at most, 4 bytes at most,
--      5 now (ms), 6 filter, 7 items to be looked at with a filter

local s = state()
if not s then return {'gone', {}, '', {}, {}} end

filter_by(ARGV[6])
local now = tonumber(ARGV[5])
local pinned, is_pinned = {}, {}
local left = budget(tonumber(ARGV[3]), tonumber(ARGV[4]))
for place = 1, 3 do
  local held = redis.call('HGET', KEYS[5], place)
  local holder, ends = string.match(held or '', '^(%S+) (%d*)$')
  if holder and (ends == '' or now < tonumber(ends)) and redis.call('ZSCORE', KEYS[4], holder) then
    is_pinned[holder] = true
    if ARGV[1] == '' then
      local record = redis.call('HGET', KEYS[3], holder)
      if not hidden(record) then
        pinned[#pinned + 1] = record
        left.bytes = left.bytes - #record
      end
    end
  end
end

-- The rank, newest first, of what is strictly older than the cursor. Any number of items can share its time, and its
-- own item may be listed no more, so the ranks of that time are halved until the place is found.
local rank = 0
if ARGV[1] ~= '' then
  rank = redis.call('ZCOUNT', KEYS[4], '(' .. ARGV[1], '+inf')
  local past = rank + redis.call('ZCOUNT', KEYS[4], ARGV[1], ARGV[1])
  while rank < past do
    local middle = math.floor((rank + past) / 2)
    if redis.call('ZREVRANGE', KEYS[4], middle, middle)[1] < ARGV[2] then
      past = middle
    else
      rank = middle + 1
    end
  end
end

-- One beyond what may be looked at, and as many more as there can be pins, so that the last page is known to be last.
local limit = wanted and tonumber(ARGV[7]) or tonumber(ARGV[3])
local items, looked_at, passed = {}, 0, nil
local listed = redis.call('ZREVRANGE', KEYS[4], rank, rank + limit + 3, 'WITHSCORES')
for i = 1, #listed, 2 do
  if not is_pinned[listed[i]] then
    looked_at = looked_at + 1
    if looked_at > limit then return {'ok', s, passed, pinned, items} end
    local record = redis.call('HGET', KEYS[3], listed[i])
    if not hidden(record) then
      if not left.take(record) then return {'ok', s, passed, pinned, items} end
      items[#items + 1] = record
    end
    passed = listed[i + 1] .. '_' .. listed[i]
  end
end
return {'ok', s, 'end', pinned, items}
