-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The digest of all that a message holds: the same for the same parts, whatever their order, headers and boundaries.

local rspamd_cryptobox_hash = require 'rspamd_cryptobox_hash'

local SHORTEST = 200 -- bytes of all parts: « Bonjour » alone is no content that tells anything
local MOST = 100 -- parts

local contents = {}

function contents.digest(task)
  local list, length = {}, 0
  for _, part in ipairs(task:get_parts() or {}) do
    local digest = not part:is_multipart() and part:get_digest()
    if digest and #list < MOST then
      list[#list + 1] = digest
      length = length + part:get_length()
    end
  end
  if length < SHORTEST then
    return nil
  end
  table.sort(list)
  return rspamd_cryptobox_hash.create(table.concat(list)):hex():sub(1, 40)
end

return contents
