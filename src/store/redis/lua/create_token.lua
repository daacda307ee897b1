#!lua
-- Keeps a token under its name and its hash. Returns 1, or 0 if the name is taken.
--
-- KEYS 1 hash by name, 2 token by hash, 3 the tokens' revision
-- ARGV 1 name, 2 hash, 3 the token

if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('INCR', KEYS[3])
return 1
