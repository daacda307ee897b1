-- The log after a position: {lost or 'ok', state, '', entries}. An entry is {seq, mark, kind, item}, and after them
-- the item's record or the feed's 'doc' and the time of its change, where nothing newer supersedes it.
--
-- KEYS 3 items, 4 items by newest change
-- ARGV 1 seq, 2 mark, 3 entries at most, 4 bytes at most

local s = state()
local why = lost(s, ARGV[1], ARGV[2])
if why then return {why, {}, '', {}} end

local left = budget(tonumber(ARGV[3]), tonumber(ARGV[4]))
local feed_seq = redis.call('HGET', KEYS[1], 'fseq')
local entries = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[3])) do
  local seq = string.match(entry[1], '^%d+')
  local mark, kind, item, at = entry[2][2], entry[2][4], entry[2][6], entry[2][10]
  local told, cost = {seq, mark, kind, item}, ''
  if item == '' then
    if seq == feed_seq then
      cost = s[1]
      told[5], told[6] = 'doc', at
    end
  elseif redis.call('ZSCORE', KEYS[4], item) == seq then
    cost = redis.call('HGET', KEYS[3], item)
    told[5] = cost
  end
  if not left.take(cost) then break end
  entries[#entries + 1] = told
end
return {'ok', s, '', entries}
