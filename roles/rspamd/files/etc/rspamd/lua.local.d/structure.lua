-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A message of more parts than people or programs write is refused, whoever sends it: the mail store reads all of it for
-- each part that is shown.
-- Settings: section `message_structure` of rspamd.conf.local.

local settings = rspamd_config:get_all_opt('message_structure') or {}
local most = tonumber(settings.max_parts) or 1000
local MODULE = 'message_structure'
local REFUSAL = 'Message refuse : il compte %d parties, %d au plus / Refused: the message has %d parts, %d at most'

local check = rspamd_config:register_symbol({
  name = 'MP_STRUCTURE_CHECK',
  type = 'prefilter',
  flags = 'empty,nice',
  callback = function(task)
    local parts = #(task:get_parts() or {})
    if parts > most then
      task:insert_result('MP_MANY_PARTS', 1.0, tostring(parts))
      task:set_pre_result('reject', string.format(REFUSAL, parts, most, parts, most), MODULE)
    end
  end,
})
rspamd_config:register_symbol({ name = 'MP_MANY_PARTS', type = 'virtual', parent = check })
rspamd_config:set_metric_symbol({ name = 'MP_MANY_PARTS', score = 0.0, group = 'malleposte' })
