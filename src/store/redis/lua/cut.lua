-- Tells that the store went back in time. Returns 1, or 0 if that is told already or the witness is not believed.
--
-- ARGV 8 the cut that the witness knows of ('' for none), 9 follower or reader, 10 which run of the server this is

local state = redis.call('HMGET', KEYS[1], 'cut', 'run')
if not state[1] then return 0 end
-- A cut above the known one was told by somebody else; one below it is from before the store went back.
if ARGV[8] ~= '' and tonumber(state[1]) > tonumber(ARGV[8]) then return 0 end
if ARGV[9] == 'follower' then
  if ARGV[8] == '' then return 0 end
elseif ARGV[10] == '' or ARGV[10] == state[2] then
  return 0
end

local seq = append_feed()
redis.call('HSET', KEYS[1], 'floor', seq, 'cut', seq)
redis.call('XTRIM', KEYS[2], 'MINID', '=', seq .. '-0')
if ARGV[10] ~= '' then redis.call('HSET', KEYS[1], 'run', ARGV[10]) end
return 1
