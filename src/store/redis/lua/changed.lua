-- What changed after a position: {lost or 'ok', state, 'more' or 'head', entries}. An entry is {seq, record} for an
-- item and {seq, mark, kind, at} for the feed itself.
--
-- KEYS 3 items, 4 items by newest change
-- ARGV 1 seq, 2 mark, 3 items at most, 4 bytes at most

local s = state()
local why = lost(s, ARGV[1], ARGV[2])
if why then return {why, {}, '', {}} end

local left = budget(tonumber(ARGV[3]), tonumber(ARGV[4]))
local feed = redis.call('HMGET', KEYS[1], 'fseq', 'fmark', 'fkind', 'fat')
local feed_seq = tonumber(feed[1])
if feed_seq <= tonumber(ARGV[1]) then feed_seq = nil end

local entries = {}
local items = redis.call('ZRANGEBYSCORE', KEYS[4], '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[3] + 1, 'WITHSCORES')
for i = 1, #items, 2 do
  if feed_seq and feed_seq < tonumber(items[i + 1]) then
    feed_seq = nil
    if not left.take(s[1]) then return {'ok', s, 'more', entries} end
    entries[#entries + 1] = feed
  end
  local record = redis.call('HGET', KEYS[3], items[i])
  if not left.take(record) then return {'ok', s, 'more', entries} end
  entries[#entries + 1] = {items[i + 1], record}
end
if feed_seq then
  if not left.take(s[1]) then return {'ok', s, 'more', entries} end
  entries[#entries + 1] = feed
end
return {'ok', s, 'head', entries}
