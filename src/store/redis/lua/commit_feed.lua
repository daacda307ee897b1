-- Commits a change of the feed's own document.
--
-- ARGV 10 the document, 11 the nil item

local before = answered_before()
if before then return before end
if redis.call('EXISTS', KEYS[1]) == 0 then return {'nofeed'} end

local seq = append_feed()
redis.call('HSET', KEYS[1], 'doc', ARGV[10])
remember(ARGV[11], '0', seq)
return {'now', seq}
