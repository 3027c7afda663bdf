-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The sites to which links of mail lead, and since when mail from outside has led there. Valkey keeps the moments, by a digest of the
-- host. A site is known a day after it was first seen: the first mails of a wave do not make it known to the next.

local hash = require "rspamd_cryptobox_hash"

local M = {}

M.START = 'sites:start' -- since when sites are noted
M.MOST = 50 -- hosts of a message
local LONGEST = 255 -- bytes of a host
local DAY = 86400
local WAIT = DAY
M.FIRST = 14 * DAY -- a site that nobody mentions again is forgotten
local LAST = 180 * DAY
local AGAIN = 7 * DAY -- between two notes of a site that is known

-- The hosts of the links of a message, each once.
function M.hosts(task, most)
  local list, seen = {}, {}
  for _, url in ipairs(task:get_urls() or {}) do
    local host = (url:get_host() or ''):lower():gsub('%.$', ''):sub(1, LONGEST)
    if #list >= most then
      break
    elseif host ~= '' and not seen[host] then
      seen[host] = true
      list[#list + 1] = host
    end
  end
  return list
end

-- Those of ASCII: a browser shows any other host in another form.
function M.plain(hosts)
  local list = {}
  for _, host in ipairs(hosts) do
    if host:match('^[%w._-]+$') then
      list[#list + 1] = host
    end
  end
  return list
end

function M.key(host)
  return 'site:' .. hash.create_specific('blake2', host):hex():sub(1, 32)
end

-- What a value says at a moment: whether the site is known, and the value to write with its time to live, if one is due.
function M.judge(value, now)
  local first, noted = (type(value) == 'string' and value or ''):match('^(%d+) (%d+)$')
  first, noted = tonumber(first), tonumber(noted)
  if not first then
    return false, string.format('%d %d', now, now), M.FIRST
  elseif now - first < WAIT then
    return false
  elseif now - noted < AGAIN then
    return true
  end
  return true, string.format('%d %d', first, now), LAST
end

-- Whether sites have been noted for so many days that an unknown one says something.
function M.begun(value, now, days)
  local start = tonumber(type(value) == 'string' and value or '')
  return start ~= nil and now - start >= days * DAY
end

-- The network of a sender, which has a part of its own of what may be noted.
function M.network(task)
  local ip = task:get_ip()
  if not ip or not ip:is_valid() then
    return 'sites:from:none'
  end
  return 'sites:from:' .. tostring(ip:apply_mask(ip:get_version() == 6 and 64 or 24))
end

return M
