-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Tells the filters of mailboxes which author is verified, in a header of our own: X-Malleposte-Author, the address of From.
-- What the sender wrote under that name is removed (milter_headers.conf). An author is verified
--  * after a log-in, by the sender check (malleposte.lua), for our own domains;
--  * of the platform itself, by the way in or the host that has a right to this author and to no other (malleposte.lua);
--  * from outside, by DMARC; where the domain publishes no policy, by a signature or an envelope that would pass with one.
-- No header: nobody knows. Settings: section `malleposte` of rspamd.conf.local.

local rspamd_util = require "rspamd_util"

local addresses = dofile(rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/addresses.lua')
local settings = rspamd_config:get_all_opt('malleposte') or {}
local own = {}
for _, domain in ipairs(settings.domains or {}) do
  own[domain:lower()] = true
end

local HEADER = 'X-Malleposte-Author'

-- The only author that any program can read in the message, in small letters; nil where there may be another.
local function author(task)
  local values = addresses.fields(tostring(task:get_raw_headers() or ''), 'from')
  if #values ~= 1 or #(task:get_header_full('From') or {}) ~= 1 then
    return nil
  end
  local list = addresses.parse(values[1])
  local seen = rspamd_util.parse_mail_address(values[1], task:get_mempool(), 1024) or {}
  if not list or #list ~= 1 or #seen ~= 1 or (seen[1].addr or ''):lower() ~= list[1] then
    return nil
  end
  if not list[1]:match("^[%w!#$%%&'*+/=?^_`{|}~.-]+@[%w.-]+$") then
    return nil
  end
  return list[1]
end

local function together(one, other)
  local mine = rspamd_util.get_tld(one or '')
  return mine and mine ~= '' and mine == rspamd_util.get_tld(other)
end

-- Would DMARC pass, had the domain a policy?
local function aligned(task, domain)
  for _, symbol in ipairs(task:get_symbol('DKIM_TRACE') or {}) do
    for _, option in ipairs(symbol.options or {}) do
      local signer, mark = option:match('^(.+):(.)$')
      if mark == '+' and together(signer:lower(), domain) then
        return true
      end
    end
  end
  local from = task:get_from('smtp')
  return task:has_symbol('R_SPF_ALLOW') and together((from and from[1] and from[1].domain or ''):lower(), domain)
end

local function verified(task)
  local address = author(task)
  local _, domain = addresses.split(address or '')
  if not domain then
    return nil
  end
  local user = task:get_user()
  if user and user ~= '' then
    return own[domain] and address or nil
  elseif task:has_symbol('DMARC_POLICY_ALLOW') or (task:has_symbol('DMARC_NA') and aligned(task, domain)) then
    return address
  end
  return nil
end

-- The author of the platform's own mail: the sender check refused what the way in or the host has no right to. For the filters
-- of mailboxes alone; nothing else judges it by that.
local function of_platform(task)
  local user, way, ip = task:get_user(), task:get_request_header('MTA-Name'), task:get_ip()
  if user and user ~= '' then
    return nil
  end
  local senders = way and (settings.ways or {})[tostring(way)]
      or ip and ip:is_valid() and (settings.hosts or {})[tostring(ip)]
  return senders and senders[1] ~= '*' and author(task) or nil
end

local function head(task, address)
  if address then
    task:set_milter_reply({ remove_headers = { [HEADER] = 0 }, add_headers = { [HEADER] = { value = address, order = -1 } } })
  end
end

local function tell(task)
  local address = verified(task)
  if address then
    task:cache_set('mp_author', address)
  end
  head(task, address or of_platform(task))
end

rspamd_config:register_symbol({
  name = 'MP_AUTHOR',
  type = 'postfilter',
  callback = tell,
  flags = 'empty,nice',
  priority = 1,
})
