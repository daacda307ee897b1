-- What changed after a position: {lost or 'ok', state, 'head' or how far it looked, entries}. An entry is {seq, record}
-- for an item and {seq, mark, kind, at} for the feed itself.
--
-- KEYS 3 items, 4 items by newest change
-- ARGV 1 seq, 2 mark, 3 items at most, 4 bytes at most, 5 filter, 6 items to be looked at with a filter

local s = state()
local why = lost(s, ARGV[1], ARGV[2])
if why then return {why, {}, '', {}} end

filter_by(ARGV[5])
local limit = wanted and tonumber(ARGV[6]) or ARGV[3] + 1
local left = budget(tonumber(ARGV[3]), tonumber(ARGV[4]))
local feed = redis.call('HMGET', KEYS[1], 'fseq', 'fmark', 'fkind', 'fat')
local feed_seq = tonumber(feed[1])
if feed_seq <= tonumber(ARGV[1]) then feed_seq = nil end

local entries, reached = {}, nil
local items = redis.call('ZRANGEBYSCORE', KEYS[4], '(' .. ARGV[1], '+inf', 'LIMIT', 0, limit, 'WITHSCORES')
for i = 1, #items, 2 do
  if feed_seq and feed_seq < tonumber(items[i + 1]) then
    feed_seq = nil
    if not left.take(s[1]) then return {'ok', s, reached, entries} end
    entries[#entries + 1] = feed
    reached = feed[1] .. '-' .. feed[2]
  end
  local record = redis.call('HGET', KEYS[3], items[i])
  if not hidden(record) then
    if not left.take(record) then return {'ok', s, reached, entries} end
    entries[#entries + 1] = {items[i + 1], record}
  end
  reached = items[i + 1] .. '-' .. mark_of(record)
end
if #items / 2 == limit then return {'ok', s, reached, entries} end
if feed_seq then
  if not left.take(s[1]) then return {'ok', s, reached, entries} end
  entries[#entries + 1] = feed
end
return {'ok', s, 'head', entries}
