#!lua
-- Loads a version of an item, over the one before it: the last one that is loaded is the item.
--
-- KEYS 1 items, 2 listed items by time, 3 items by newest change, 4 pins, 5 the item's versions, 6 the partition's due
-- ARGV 1 feed id, 2 item id, 3 version, 4 seq, 5 1 if listed, 6 published (ms), 7 place of a pin ('' for none), 8 its
--      end (ms, '' for none), 9 due entry of breaking (ms, '' for none), 10 the record, 11 who and fields, one line

local id = ARGV[2]
redis.call('HSET', KEYS[1], id, ARGV[10])
redis.call('ZADD', KEYS[3], ARGV[4], id)
if ARGV[5] == '1' then
  redis.call('ZADD', KEYS[2], ARGV[6], id)
else
  redis.call('ZREM', KEYS[2], id)
end
for place = 1, 3 do
  local holder = string.match(redis.call('HGET', KEYS[4], place) or '', '^(%S+) ')
  if holder == id then redis.call('HDEL', KEYS[4], place) end
end
if ARGV[7] ~= '' then redis.call('HSET', KEYS[4], ARGV[7], id .. ' ' .. ARGV[8]) end
redis.call('ZADD', KEYS[5], ARGV[3], ARGV[11] .. '\n' .. ARGV[10])
for what, at in pairs({breaking = ARGV[9], pin = ARGV[8]}) do
  local member = ARGV[1] .. ' ' .. id .. ' ' .. what
  if at ~= '' then
    redis.call('ZADD', KEYS[6], at, member)
  else
    redis.call('ZREM', KEYS[6], member)
  end
end
return 1
