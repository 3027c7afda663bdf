-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Tells the record of this host of each message that is refused or held: the log-in, the envelope, and the symbols that say why.
-- Neither subject nor content is told. Nobody waits for it: it runs when the answer is settled, and what cannot be told is not
-- recorded. What is merely put off (greylisting, a scanner that is down) is not told: its sender tries again. Settings: section
-- `malleposte` of rspamd.conf.local.

local telling = dofile(rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/telling.lua')
local settings = rspamd_config:get_all_opt('malleposte') or {}
local record = settings.record or ''
local MOST = 50 -- recipients that are told

-- The symbols that say why, as malleposte.throttle.record.model knows them; without one of them the score did it.
local WHY = {
  'CLAM_VIRUS', 'MP_ATTACHMENT_REFUSED', 'MP_SENDER_FORGED', 'MP_OUTBOUND_HOLD', 'MP_MANY_PARTS', 'MP_DEEP_PARTS',
  'MP_LARGE_HEADER', 'DMARC_POLICY_REJECT',
}

local function tell(task)
  local action = task:get_metric_action()
  local held = task:has_symbol('MP_OUTBOUND_HOLD')
  -- Nothing is lost with a forward that is refused: its message is in the inbox.
  if action ~= 'reject' and action ~= 'discard' and not held or task:has_symbol('MP_FORWARD_REFUSED') then
    return
  end
  local symbols, recipients = {}, {}
  for _, name in ipairs(WHY) do
    if task:has_symbol(name) then
      symbols[#symbols + 1] = name
    end
  end
  for _, one in ipairs(task:get_recipients('smtp') or {}) do
    if #recipients < MOST then
      recipients[#recipients + 1] = one.addr
    end
  end
  local from = task:get_from('smtp')
  telling.tell(task, record, {
    user = task:get_user() or '',
    sender = from and from[1] and from[1].addr or '',
    recipients = recipients,
    symbols = symbols,
  }, 'record: a refused message is not recorded')
end

if record ~= '' then
  rspamd_config:register_symbol({
    name = 'MP_RECORD',
    type = 'idempotent',
    callback = tell,
    flags = 'empty,explicit_disable,ignore_passthrough',
    priority = 10,
  })
end
