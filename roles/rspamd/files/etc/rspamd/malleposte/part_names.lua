-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The names of a part of a message, in any reading (filenames.lua).

local rspamd_util = require "rspamd_util"

local directory = rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/'
local addresses = dofile(directory .. 'addresses.lua')
local filenames = dofile(directory .. 'filenames.lua')
local readings = dofile(directory .. 'readings.lua')

local TOOLS = {
  base64 = function(text)
    return tostring(rspamd_util.decode_base64(text) or '')
  end,
}

local function decoded(text)
  return readings.decoded(text, TOOLS)
end

local M = {}

-- The names of a part, its own first, which is empty where it has none.
function M.of(part)
  local raw, values = tostring(part:get_raw_headers() or ''), {}
  -- A comment may stand within the word.
  if not raw:lower():find('name', 1, true) and not raw:find('(', 1, true) then
    return { part:get_filename() or '' }
  end
  for _, field in ipairs({ 'content-disposition', 'content-type' }) do
    for _, value in ipairs(addresses.fields(raw, field)) do
      values[#values + 1] = value
    end
  end
  local names = filenames.names(values, decoded, readings.without_comments)
  table.insert(names, 1, part:get_filename() or '')
  return names
end

return M
