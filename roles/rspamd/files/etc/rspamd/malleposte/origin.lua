-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Where a message comes from: from outside, where nobody logged in and it came by no way of our own (malleposte.lua), or from
-- inside.

local M = {}

function M.is_outside(task, settings)
  local user, way, ip = task:get_user(), task:get_request_header('MTA-Name'), task:get_ip()
  return not (user and user ~= '') and not (way and (settings.ways or {})[tostring(way)])
      and not (ip and ip:is_valid() and (settings.hosts or {})[tostring(ip)])
end

return M
