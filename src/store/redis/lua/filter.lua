-- Follows view.lua in the scripts that read with a filter. `wanted` is the filter: a JSON object with any of urgencies,
-- tags and subjects, each a list; '' wants everything. The story is never looked at.
local wanted = nil

local function filter_by(text)
  if text ~= '' then wanted = cjson.decode(text) end
end

local function any(had, list)
  if not list then return true end
  for _, word in ipairs(had) do
    for _, other in ipairs(list) do
      if word == other then return true end
    end
  end
  return false
end

-- Whether the filter hides a record for sure, by what the item ever had.
local function hidden(record)
  if not wanted then return false end
  local header, ever = string.match(record, '^[^\n]*\n([^\n]*)\n([^\n]*)\n')
  -- What a removed item ever had is gone with it. The header is ours, and no editor's text stands in it.
  if string.find(header, '"status":"removed"', 1, true) then return false end
  local had = cjson.decode(ever)
  return not (any(had.urgencies, wanted.urgencies) and any(had.tags, wanted.tags) and any(had.subjects, wanted.subjects))
end

-- The mark of a record's newest change.
local function mark_of(record)
  return string.match(record, '^[^\n]*\n[^\n]*"mark":"(%x+)"')
end
