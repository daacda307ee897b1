#!lua
-- Takes back a wish for a rewrite of the files, or a claim to one, unless another stands there by now.
--
-- KEYS 1 the wish, or the claim
-- ARGV 1 what was wished, or who claimed

if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
