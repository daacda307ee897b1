-- Follows append.lua in the scripts of commits that may carry an idempotency key.
--
-- KEYS 4 the key's record (any key of the feed where there is none)
-- ARGV 8 hash of the request ('' where there is no key), 9 seconds it is kept

-- The answer to a request whose key was used before, else nil.
local function answered_before()
  if ARGV[8] == '' then return nil end
  local was = redis.call('GET', KEYS[4])
  if not was then return nil end
  if string.sub(was, 1, #ARGV[8]) ~= ARGV[8] then return {'reused'} end
  -- Written again, so that who waits for replicas has something of its own connection's to wait for.
  redis.call('SET', KEYS[4], was, 'KEEPTTL')
  return {'before', was}
end

-- Remembers what the request did: HASH ITEM VERSION POSITION. The mark is that of the change that it made, if not given.
local function remember(item, version, seq, mark)
  if ARGV[8] == '' then return end
  local record = ARGV[8] .. ' ' .. item .. ' ' .. version .. ' ' .. seq .. '-' .. (mark or ARGV[2])
  redis.call('SET', KEYS[4], record, 'EX', ARGV[9])
end
