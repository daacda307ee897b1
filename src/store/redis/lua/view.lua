#!lua flags=no-writes
-- Opens every script that reads. A script is one consistent view; it writes nothing, and it stops at its budget.
--
-- KEYS 1 feed, 2 its log

-- doc, head, mark, floor, cut, fseq, fmark; nil where there is no such feed.
local function state()
  local s = redis.call('HMGET', KEYS[1], 'doc', 'head', 'mark', 'floor', 'cut', 'fseq', 'fmark')
  return s[1] and s or nil
end

-- Why a position cannot be gone on from, else nil. Seq 0 is before the first change.
local function lost(s, seq, mark)
  if not s then return 'gone' end
  seq = tonumber(seq)
  if seq == 0 then
    return tonumber(s[4]) > 1 and 'trimmed' or nil
  end
  if seq < tonumber(s[5]) then return 'changed' end
  if seq < tonumber(s[4]) then return 'trimmed' end
  local id = string.format('%.0f-0', seq)
  local entry = redis.call('XRANGE', KEYS[2], id, id)[1]
  -- An entry is m, mark, k, kind, …
  if not entry or entry[2][2] ~= mark then return 'changed' end
  return nil
end

-- Counts what a read returns. take(record) is false once the record would pass the budget; the first one never does.
local function budget(items, bytes)
  local left = {items = items, bytes = bytes, first = true}
  function left.take(record)
    left.items = left.items - 1
    left.bytes = left.bytes - #record
    if left.first then
      left.first = false
      return true
    end
    return left.items >= 0 and left.bytes >= 0
  end
  return left
end
