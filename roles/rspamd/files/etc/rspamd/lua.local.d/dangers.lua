-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What a message carries that may harm: pages with a form or a program, Office files with macros, archives that cannot be looked
-- into. These are marks without a score; quarantine.lua decides by them and by the sender. A content is read by searches for all
-- marks at a time, whatever its length.

local rspamd_trie = require "rspamd_trie"

local directory = rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/'
local pages = dofile(directory .. 'pages.lua')
local part_names = dofile(directory .. 'part_names.lua')

local MOST = 200 -- parts that are looked into; a message of more people did not write
local VBA_OF_ZIP = 'vbaproject.bin'
-- The name of the storage of macros in the binary formats, in UTF-16.
local VBA_OF_OLE = ('_VBA_PROJECT'):gsub('.', '%0\0'):sub(1, -2)

local active = rspamd_trie.create(pages.ACTIVE, rspamd_trie.flags.icase)
local secret = rspamd_trie.create(pages.SECRET, rspamd_trie.flags.icase)
local macros = rspamd_trie.create({ VBA_OF_OLE })

local function found(trie, content)
  local hit = false
  trie:match(content, function()
    hit = true
    return 1
  end)
  return hit
end

-- Whether a part is shown as the message's own text, not attached.
local function is_body(part, names)
  local disposition = tostring(part:get_raw_headers() or ''):lower():match('content%-disposition:%s*(%a+)')
  return names[1] == '' and #names == 1 and disposition ~= 'attachment'
end

local function look_at_page(task, part, names, kind)
  if not pages.is_page(names, kind) or (kind == 'text/html' and is_body(part, names)) then
    return
  end
  local content = pages.plain(tostring(part:get_content() or ''))
  if found(active, content) then
    task:insert_result(found(secret, content) and 'MP_FORM_SECRET' or 'MP_FORM', 1.0)
  end
end

local function look_at_office(task, part, names, archive)
  local plain = false
  for _, name in ipairs(names) do
    local ending = pages.ending(name)
    if pages.MACROS[ending] then
      task:insert_result('MP_MACRO', 1.0, ending)
    end
    plain = plain or pages.PLAIN[ending] or false
  end
  for _, inside in ipairs(archive and archive:get_files(1000) or {}) do
    if inside:lower():sub(-#VBA_OF_ZIP) == VBA_OF_ZIP then
      -- A format without macros that has some says what it is not.
      task:insert_result(plain and 'MP_MACRO_HIDDEN' or 'MP_MACRO', 1.0)
    elseif pages.MACROS[pages.ending(inside)] then
      task:insert_result('MP_MACRO', 1.0, 'zip')
    end
  end
  local content = not archive and part:get_content()
  if content and #content > 8 and tostring(content:span(1, 8)) == '\208\207\17\224\161\177\26\225' and found(macros, content) then
    task:insert_result('MP_MACRO', 1.0, 'ole')
  end
end

-- Whether an archive, or a file in it, is encrypted: a zip says so of each file.
local function is_locked(archive)
  local locked = archive:is_encrypted() or false
  for _, inside in ipairs(archive:get_files_full(1000) or {}) do
    locked = locked or inside.encrypted or false
  end
  return locked
end

local id = rspamd_config:register_symbol({
  name = 'MP_DANGERS',
  type = 'normal',
  flags = 'empty,nice',
  callback = function(task)
    for place, part in ipairs(task:get_parts() or {}) do
      if place > MOST then
        return
      end
      if not part:is_multipart() and not part:is_message() then
        local names, archive = part_names.of(part), part:get_archive()
        local kind, sub = part:get_type()
        look_at_page(task, part, names, (kind or ''):lower() .. '/' .. (sub or ''):lower())
        look_at_office(task, part, names, archive)
        if archive and is_locked(archive) then
          task:insert_result('MP_ARCHIVE', 1.0)
        end
      end
    end
  end,
})
for _, name in ipairs({ 'MP_FORM', 'MP_FORM_SECRET', 'MP_MACRO', 'MP_MACRO_HIDDEN', 'MP_ARCHIVE' }) do
  rspamd_config:register_symbol({ name = name, type = 'virtual', parent = id })
  rspamd_config:set_metric_symbol({ name = name, score = 0.0, group = 'malleposte' })
end
