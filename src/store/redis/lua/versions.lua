#!lua flags=no-writes
-- An item's versions, oldest first, within the budget.
--
-- KEYS 1 the item's versions
-- ARGV 1 the version after which, 2 versions at most, 3 bytes at most

local versions = {}
local left = tonumber(ARGV[3])
local offset = 0
while offset < tonumber(ARGV[2]) do
  local version = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'LIMIT', offset, 1)[1]
  if not version then break end
  left = left - #version
  if left < 0 and offset > 0 then break end
  offset = offset + 1
  versions[offset] = version
end
return versions
