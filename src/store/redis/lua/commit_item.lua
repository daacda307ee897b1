-- Commits a change of an item.
--
-- KEYS 5 items, 6 listed items by time, 7 items by newest change, 8 pins, 9 the item's versions, 10 altIds, 11 due,
--      12 the partition's wish for a rewrite of the files
-- ARGV 10 item id, 11 version it must have ('' for none), 12 version, 13 1 if listed, 14 1 if removed,
--      15 published (ms), 16 place of a pin that holds ('' for none), 17 its end (ms, '' for none),
--      18 due entry of breaking (ms, '' for none), 19 due entry of the pin (ms, '' for none),
--      20 header, ever and story, a line each, 21 who and fields, one line, 22 ever of an erased version,
--      23 seq and 24 mark of the feed's own change that must be there ('' for whatever it is),
--      25… hashes of altIds

local before = answered_before()
if before then return before end
local own = redis.call('HMGET', KEYS[1], 'head', 'fseq', 'fmark')
if not own[1] then return {'nofeed'} end
if ARGV[23] ~= '' and (own[2] ~= ARGV[23] or own[3] ~= ARGV[24]) then return {'feed'} end

local id, at = ARGV[10], tonumber(ARGV[4])
local current = redis.call('HGET', KEYS[5], id)
local born
if current then
  local _, was_born, version = string.match(current, '^(%d+) (%d+) (%d+)\n')
  if ARGV[11] == '' then return {'exists'} end
  if ARGV[11] ~= version then return {'version'} end
  born = was_born
elseif ARGV[11] ~= '' then
  return {'version'}
elseif redis.call('HEXISTS', KEYS[10], string.gsub(id, '%-', '') .. string.rep('0', 32)) == 1 then
  -- It was there once, and is kept no more.
  return {'exists'}
end

for i = 25, #ARGV do
  local owner = redis.call('HGET', KEYS[10], ARGV[i])
  if owner and owner ~= id then return {'alt', owner} end
end

local mine = {}
local pins = redis.call('HMGET', KEYS[8], '1', '2', '3')
for place = 1, 3 do
  local holder, ends = string.match(pins[place] or '', '^(%S+) (%d*)$')
  if holder == id then
    mine[#mine + 1] = place
  elseif holder and ARGV[16] == tostring(place) and (ends == '' or at < tonumber(ends)) then
    return {'pin', holder}
  end
end

local seq = append(id, ARGV[12])
local record = seq .. ' ' .. (born or seq) .. ' ' .. ARGV[12] .. '\n' .. ARGV[20]
redis.call('HSET', KEYS[5], id, record)
redis.call('ZADD', KEYS[7], seq, id)
if ARGV[13] == '1' then
  redis.call('ZADD', KEYS[6], ARGV[15], id)
elseif current then
  redis.call('ZREM', KEYS[6], id)
end

for _, place in ipairs(mine) do redis.call('HDEL', KEYS[8], place) end
if ARGV[16] ~= '' then redis.call('HSET', KEYS[8], ARGV[16], id .. ' ' .. ARGV[17]) end

-- A version is: who and fields, numbers, header, ever, story. A removal keeps the first three lines of earlier ones.
if ARGV[14] == '1' then
  for rank = 0, redis.call('ZCARD', KEYS[9]) - 1 do
    local version = redis.call('ZRANGE', KEYS[9], rank, rank, 'WITHSCORES')
    local kept = string.match(version[1], '^[^\n]*\n[^\n]*\n[^\n]*\n')
    redis.call('ZREM', KEYS[9], version[1])
    redis.call('ZADD', KEYS[9], version[2], kept .. ARGV[22] .. '\n{}')
  end
  -- The server's files still hold what was removed. A count, so that a wish made again is another one.
  redis.call('INCR', KEYS[12])
end
redis.call('ZADD', KEYS[9], ARGV[12], ARGV[21] .. '\n' .. record)

for i = 25, #ARGV do redis.call('HSET', KEYS[10], ARGV[i], id) end
for i, what in ipairs({'breaking', 'pin'}) do
  local member = ARGV[1] .. ' ' .. id .. ' ' .. what
  if ARGV[17 + i] ~= '' then
    redis.call('ZADD', KEYS[11], ARGV[17 + i], member)
  elseif current then
    redis.call('ZREM', KEYS[11], member)
  end
end

remember(id, ARGV[12], seq)
return {'now', seq}
