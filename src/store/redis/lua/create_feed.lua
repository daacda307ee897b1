-- Creates a feed with its change 1. Returns 1, or 0 if it was there.
--
-- KEYS 4 the partition's feeds
-- ARGV 8 the document, 9 which run of the server this is

-- The index of feeds is written first and whether or not the feed is new: so creating one again mends it.
redis.call('SADD', KEYS[4], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end

append_feed()
redis.call('HSET', KEYS[1], 'doc', ARGV[8], 'cut', '0', 'run', ARGV[9])
return 1
