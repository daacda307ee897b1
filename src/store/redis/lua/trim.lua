#!lua
-- Cuts a feed's log to its newest changes and raises the floor with it.
--
-- KEYS 1 feed, 2 its log
-- ARGV 1 how many changes are kept, at least 1

local state = redis.call('HMGET', KEYS[1], 'head', 'floor')
if not state[1] then return 0 end
local floor = tonumber(state[1]) - tonumber(ARGV[1]) + 1
if floor <= tonumber(state[2]) then return 0 end
local text = string.format('%.0f', floor)
redis.call('XTRIM', KEYS[2], 'MINID', '=', text .. '-0')
redis.call('HSET', KEYS[1], 'floor', text)
return 1
