#!lua
-- Takes back the wish for a rewrite of the files, unless it was made again since.
--
-- KEYS 1 the wish
-- ARGV 1 the wish that was fulfilled

if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
