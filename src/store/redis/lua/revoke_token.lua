#!lua
-- Marks a token as revoked; the first time stands. Returns 1, or 0 if there is none of that name.
--
-- KEYS 1 hash by name, 2 when revoked, by hash, 3 the tokens' revision
-- ARGV 1 name, 2 now (ms)

local hash = redis.call('HGET', KEYS[1], ARGV[1])
if not hash then return 0 end
redis.call('HSETNX', KEYS[2], hash, ARGV[2])
redis.call('INCR', KEYS[3])
return 1
