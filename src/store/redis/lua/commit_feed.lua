-- Commits a change of the feed's own document.
--
-- ARGV 10 the document, 11 the nil item, 12 seq and 13 mark of the feed's own change that must be there

local before = answered_before()
if before then return before end
if redis.call('EXISTS', KEYS[1]) == 0 then return {'nofeed'} end
local own = redis.call('HMGET', KEYS[1], 'fseq', 'fmark')
if own[1] ~= ARGV[12] or own[2] ~= ARGV[13] then return {'version'} end

local seq = append_feed()
redis.call('HSET', KEYS[1], 'doc', ARGV[10])
remember(ARGV[11], '0', seq)
return {'now', seq}
