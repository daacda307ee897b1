-- Creates a feed with its change 1.
--
-- KEYS 5 the partition's feeds
-- ARGV 10 the document, 11 the nil item, 12 which run of the server this is

local before = answered_before()
if before then return before end
-- The index of feeds is written first and whether or not the feed is new: so creating one again mends it.
redis.call('SADD', KEYS[5], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists'} end

local seq = append_feed()
redis.call('HSET', KEYS[1], 'doc', ARGV[10], 'cut', '0', 'run', ARGV[12])
remember(ARGV[11], '0', seq)
return {'now', seq}
