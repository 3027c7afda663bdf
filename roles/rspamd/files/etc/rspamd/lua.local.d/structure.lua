-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A message of more parts, deeper or with a larger header than people or programs write is refused, whoever sends it: the
-- mail store reads all of it for each part that is shown.
-- Postfix cuts a single header line off at 100 KB before (header_size_limit); their sum has no limit there.
-- Settings: section `message_structure` of rspamd.conf.local.

local settings = rspamd_config:get_all_opt('message_structure') or {}
local most = {
  parts = tonumber(settings.max_parts) or 1000,
  -- rspamd sees 32 levels of a message that has more than 33.
  depth = math.min(tonumber(settings.max_depth) or 25, 30),
  header = (tonumber(settings.max_header_kb) or 256) * 1024,
}
local MODULE = 'message_structure'
local MANY = 'Message refuse : il compte %d parties, %d au plus / Refused: the message has %d parts, %d at most'
local DEEP = 'Message refuse : ses parties sont emboitees sur %d niveaux, %d au plus / '
    .. 'Refused: its parts are nested %d levels deep, %d at most'
local LARGE = 'Message refuse : un en-tete compte %d octets, %d au plus / Refused: a header has %d bytes, %d at most'

-- The first of what is too much, in the order of what it costs to look: symbol, refusal, its number, the most allowed.
local function excess(task)
  local parts = task:get_parts() or {}
  if #parts > most.parts then
    return 'MP_MANY_PARTS', MANY, #parts, most.parts
  end
  local header = #tostring(task:get_raw_headers() or '')
  local deepest = 0
  for _, part in ipairs(parts) do
    header = math.max(header, #tostring(part:get_raw_headers() or ''))
    local depth, above = 0, part
    while above do
      depth, above = depth + 1, above:get_parent()
    end
    deepest = math.max(deepest, depth)
  end
  if deepest > most.depth then
    return 'MP_DEEP_PARTS', DEEP, deepest, most.depth
  end
  if header > most.header then
    return 'MP_LARGE_HEADER', LARGE, header, most.header
  end
end

local check = rspamd_config:register_symbol({
  name = 'MP_STRUCTURE_CHECK',
  type = 'prefilter',
  -- Before greylisting, which would ask for it once more.
  priority = 9,
  flags = 'empty,nice',
  callback = function(task)
    local symbol, refusal, found, allowed = excess(task)
    if symbol then
      task:insert_result(symbol, 1.0, tostring(found))
      task:set_pre_result('reject', string.format(refusal, found, allowed, found, allowed), MODULE)
    end
  end,
})
for _, symbol in ipairs({ 'MP_MANY_PARTS', 'MP_DEEP_PARTS', 'MP_LARGE_HEADER' }) do
  rspamd_config:register_symbol({ name = symbol, type = 'virtual', parent = check })
  rspamd_config:set_metric_symbol({ name = symbol, score = 0.0, group = 'malleposte' })
end
