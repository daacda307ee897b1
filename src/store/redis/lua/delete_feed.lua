-- Deletes a feed: it is gone at once, and what it held is taken away with it. Answers its last change; what a load that was
-- cut off left of a feed that is not there goes all the same.
--
-- KEYS 5 the partition's feeds, 6 items, 7 listed items by time, 8 items by newest change, 9 pins, 10 altIds, 11 the
--      partition's due, 12 the partition's wish for a rewrite of the files
-- ARGV 10 beginning of the keys of versions, 11 the nil item

local before = answered_before()
if before then return before end
redis.call('SREM', KEYS[5], ARGV[1])
local head = redis.call('HMGET', KEYS[1], 'head', 'mark')

-- One command for each item, as long as it takes: deleting a feed is rare, and half a feed must never be seen.
for _, id in ipairs(redis.call('ZRANGE', KEYS[8], 0, -1)) do
  redis.call('UNLINK', ARGV[10] .. id)
  redis.call('ZREM', KEYS[11], ARGV[1] .. ' ' .. id .. ' breaking', ARGV[1] .. ' ' .. id .. ' pin')
end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10])
if not head[2] then return {'nofeed'} end
redis.call('XADD', KEYS[3], 'MAXLEN', '=', ARGV[6], '*', 'f', ARGV[1], 's', '1', 'm', head[2])
redis.call('INCR', KEYS[12])
remember(ARGV[11], '0', head[1], head[2])
return {'now', head[1], head[2]}
