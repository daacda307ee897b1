#!lua
-- Opens every script that writes. A feed's next change is numbered, logged and told of here and nowhere else.
--
-- KEYS 1 feed, 2 its log, 3 the partition's commits
-- ARGV 1 feed id, 2 mark, 3 kind, 4 at (ms), 5 log entries kept, 6 commits kept, 7 who
--
-- Scripts are not rolled back. So each one first looks, then answers a refusal or writes; and the one write that can
-- be refused for what is stored (the log takes rising numbers only) is the first.

-- A whole number below 2^53 as plain digits, never as 1e+15.
local function digits(n)
  return string.format('%.0f', n)
end

-- Appends a change about an item ('' for the feed itself). Returns its seq as text.
local function append(item, version)
  local state = redis.call('HMGET', KEYS[1], 'head', 'floor')
  local seq = tonumber(state[1] or 0) + 1
  local text = digits(seq)
  redis.call('XADD', KEYS[2], 'MAXLEN', '=', ARGV[5], text .. '-0',
    'm', ARGV[2], 'k', ARGV[3], 'i', item, 'v', version, 't', ARGV[4], 'w', ARGV[7])
  redis.call('XADD', KEYS[3], 'MAXLEN', '=', ARGV[6], '*', 'f', ARGV[1], 's', text, 'm', ARGV[2])
  local floor = math.max(tonumber(state[2] or 1), seq - tonumber(ARGV[5]) + 1)
  redis.call('HSET', KEYS[1], 'head', text, 'mark', ARGV[2], 'floor', digits(floor))
  return text
end

-- Appends a change of the feed itself.
local function append_feed()
  local seq = append('', '0')
  redis.call('HSET', KEYS[1], 'fseq', seq, 'fmark', ARGV[2], 'fkind', ARGV[3], 'fat', ARGV[4])
  return seq
end
