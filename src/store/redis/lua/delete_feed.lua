#!lua
-- Deletes a feed: it is gone at once, and what it held is taken away with it. Returns 1, or 0 if there is none; what a
-- load that was cut off left of one goes all the same.
--
-- KEYS 1 feed, 2 its log, 3 the partition's commits, 4 the partition's feeds, 5 items, 6 listed items by time, 7 items by
--      newest change, 8 pins, 9 altIds, 10 the partition's due, 11 the partition's wish for a rewrite of the files
-- ARGV 1 feed id, 2 commits kept, 3 beginning of the keys of versions

redis.call('SREM', KEYS[4], ARGV[1])
local mark = redis.call('HGET', KEYS[1], 'mark')

-- One command for each item, as long as it takes: deleting a feed is rare, and half a feed must never be seen.
for _, id in ipairs(redis.call('ZRANGE', KEYS[7], 0, -1)) do
  redis.call('UNLINK', ARGV[3] .. id)
  redis.call('ZREM', KEYS[10], ARGV[1] .. ' ' .. id .. ' breaking', ARGV[1] .. ' ' .. id .. ' pin')
end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9])
if not mark then return 0 end
redis.call('XADD', KEYS[3], 'MAXLEN', '=', ARGV[2], '*', 'f', ARGV[1], 's', '1', 'm', mark)
redis.call('INCR', KEYS[11])
return 1
