-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Refuses further messages of a wave that was taken back from all boxes: by Message-ID, by content, by the host of a link. The
-- marks are in a file that `malleposte mail retract` writes; rspamd reads it again by itself. Settings: section `malleposte` of
-- rspamd.conf.local.

local directory = rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/'
local contents = dofile(directory .. 'contents.lua')

local settings = rspamd_config:get_all_opt('malleposte') or {}
local path = settings.waves or ''
local MESSAGE = 'Ce message fait partie d\'un envoi dangereux, il est refuse / This message belongs to a dangerous mailing'
local MOST_HOSTS = 100
local LONGEST = 200 -- bytes of a Message-ID, as the index of deliveries keeps it

local map

-- The mark of a message that the file has, or nil.
local function mark_of(task)
  local id = task:get_message_id()
  if id and map:get_key('id:' .. id:sub(1, LONGEST):lower()) then
    return 'id'
  end
  local content = contents.digest(task)
  if content and map:get_key('content:' .. content) then
    return 'content'
  end
  local seen = 0
  for _, url in ipairs(task:get_urls() or {}) do
    local host = (url:get_host() or ''):lower()
    seen = seen + 1
    if seen > MOST_HOSTS then
      return nil
    end
    -- The host itself, and each domain above it.
    while host:find('.', 1, true) do
      if map:get_key('host:' .. host) then
        return 'host'
      end
      host = host:match('^[^.]*%.(.*)$') or ''
    end
  end
  return nil
end

if path ~= '' then
  map = rspamd_config:add_map({ url = 'file://' .. path, type = 'hash', description = 'marks of retracted waves' })
  local id = rspamd_config:register_symbol({
    name = 'MP_WAVE_CHECK',
    type = 'prefilter',
    -- Before greylisting, which would ask for it once more.
    priority = 9,
    flags = 'empty,nice',
    callback = function(task)
      local mark = map and mark_of(task)
      if mark then
        task:insert_result('MP_WAVE', 1.0, mark)
        task:set_pre_result('reject', MESSAGE, 'waves')
      end
    end,
  })
  rspamd_config:register_symbol({ name = 'MP_WAVE', type = 'virtual', parent = id })
  rspamd_config:set_metric_symbol({ name = 'MP_WAVE', score = 0.0, group = 'malleposte', parent = id })
end
