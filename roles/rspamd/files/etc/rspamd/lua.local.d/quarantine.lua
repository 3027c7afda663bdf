-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Tells the filters of mailboxes what is kept apart, in a header of our own: `quarantine` (the agent may release it) or `sealed`
-- (no client reads it), then the reasons, in words of malleposte.accounts.mailbox.quarantine. What the sender wrote under that
-- name is removed (milter_headers.conf). A message is kept apart by its score, and by symbols whatever its score is. What is
-- refused needs no place. Settings: section `malleposte` of rspamd.conf.local.

local origin = dofile(rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/origin.lua')
local settings = rspamd_config:get_all_opt('malleposte') or {}
local quarantine = settings.quarantine or {}
local score, header = tonumber(quarantine.score) or 0, quarantine.header

-- Symbols of dangers.lua and contacts.lua, the reason, and the place by the sender: one of ours, one whom an agent of ours wrote to
-- and whose address is verified, anybody else. None where no place is named.
local RULES = {
  { 'MP_FORM_SECRET', 'form', ours = 'quarantine', known = 'sealed', unknown = 'sealed' },
  { 'MP_FORM', 'form', known = 'quarantine', unknown = 'sealed' },
  { 'MP_MACRO_HIDDEN', 'macro', ours = 'quarantine', known = 'quarantine', unknown = 'sealed' },
  { 'MP_MACRO', 'macro', unknown = 'quarantine' },
  { 'MP_ARCHIVE', 'archive', unknown = 'quarantine' },
  { 'MP_LIKE_OURS', 'domain', unknown = 'quarantine' },
}

local function sender(task)
  if not origin.is_outside(task, settings) then
    return 'ours'
  end
  -- author.lua has it once the author is verified.
  return task:cache_get('mp_author') and not task:has_symbol('MP_UNKNOWN_SENDER') and 'known' or 'unknown'
end

-- The value of the header, or nil.
local function judged(task)
  local place, reasons, seen = nil, {}, {}
  local function add(where, why)
    if place ~= 'sealed' then
      place = where
    end
    if not seen[why] then
      seen[why] = true
      reasons[#reasons + 1] = why
    end
  end
  local who = sender(task)
  for _, rule in ipairs(RULES) do
    if rule[who] and task:has_symbol(rule[1]) then
      add(rule[who], rule[2])
    end
  end
  -- What a list passes on was judged when it came: its own verdict stands beside the one of now.
  local user = task:get_user()
  if who == 'ours' and not (user and user ~= '') then
    local before, words = (task:get_header(header) or ''):match('^(%l+) ([%l ]+)$')
    if before == 'sealed' or before == 'quarantine' then
      for why in words:gmatch('%l+') do
        add(before, why)
      end
    end
  end
  local reached = task:get_metric_score()
  if score > 0 and reached and reached[1] >= score then
    add('quarantine', 'score')
  end
  return place and (place .. ' ' .. table.concat(reasons, ' '))
end

if header then
  rspamd_config:register_symbol({
    name = 'MP_QUARANTINE',
    type = 'idempotent',
    flags = 'empty,explicit_disable,ignore_passthrough',
    priority = 10,
    callback = function(task)
      local action = task:get_metric_action()
      if action == 'reject' or action == 'discard' or action == 'soft reject' then
        return
      end
      local value = judged(task)
      if value then
        task:set_milter_reply({
          remove_headers = { [header] = 0 },
          add_headers = { [header] = { value = value, order = -1 } },
        })
      end
    end,
  })
end
