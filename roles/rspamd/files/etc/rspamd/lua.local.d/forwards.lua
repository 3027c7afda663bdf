-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The academy's rule on forwards: where it refuses them, what an agent's filter redirects to another domain is refused, and
-- Dovecot then keeps the message in the inbox. Answers of absence, and redirections within our domains, leave.
-- Settings: section `malleposte` of rspamd.conf.local.

local addresses = dofile(rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/addresses.lua')

local SYMBOL = 'MP_FORWARD_REFUSED'
local FILTERS = 'way-sieve' -- the port of Dovecot's filters
local REFUSED = "5.7.1 Renvoi refuse : l'academie ne laisse pas partir de renvoi automatique vers %s / "
    .. 'Refused: this academy lets no automatic forward leave for %s'

local settings = rspamd_config:get_all_opt('malleposte') or {}
local own = {}
for _, domain in ipairs(settings.domains or {}) do
  own[domain:lower()] = true
end

local function check(task)
  local way = task:get_request_header('MTA-Name')
  -- Dovecot writes the header into what it redirects, over any other of that name.
  if not way or tostring(way) ~= FILTERS or not task:get_header('X-Sieve-Redirected-From') then
    return
  end
  for _, one in ipairs(task:get_recipients('smtp') or {}) do
    local _, domain = addresses.split((one.addr or ''):lower())
    if not own[domain or ''] then
      task:insert_result(SYMBOL, 1.0, domain or '')
      return task:set_pre_result('reject', string.format(REFUSED, domain or '?', domain or '?'), 'forwards')
    end
  end
end

if settings.refuse_forwards then
  local parent = rspamd_config:register_symbol({
    name = 'MP_FORWARD_CHECK',
    type = 'prefilter',
    -- Before greylisting, which would ask for it once more.
    priority = 9,
    callback = check,
    flags = 'empty,nice',
  })
  rspamd_config:register_symbol({ name = SYMBOL, type = 'virtual', parent = parent })
  rspamd_config:set_metric_symbol({ name = SYMBOL, score = 0.0, group = 'malleposte' })
end
