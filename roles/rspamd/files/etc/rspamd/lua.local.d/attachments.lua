-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Attachments that are programs are refused, in mail that comes in and in mail that is sent: by the end of the file's name in
-- any reading of it, in archives too (their lists of files can be read even where the files are encrypted), and by the first
-- bytes of the content, for a file without a name gets one from the program that saves it. What is dubious without being a
-- program is left to the module mime_types, which scores it. Settings: section `malleposte` of rspamd.conf.local.

local rspamd_util = require "rspamd_util"

local directory = rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/'
local filenames = dofile(directory .. 'filenames.lua')
local part_names = dofile(directory .. 'part_names.lua')

local settings = rspamd_config:get_all_opt('malleposte') or {}
local refused = {}
for _, extension in ipairs(settings.refused_attachments or {}) do
  refused[extension:lower()] = true
end

local MESSAGE = "Piece jointe refusee : %s est d'un type qui peut contenir un programme / "
    .. "Attachment refused: %s is of a type that may hold a program"
local LONGEST = 60 -- characters of a name that are shown

-- The end of a file's name, as Windows takes it: what follows the last dot, less blanks and dots at the end.
local function extension_of(name)
  local plain = (rspamd_util.normalize_utf8(name) or name):lower():gsub('[%s%.%z]+$', '')
  return plain:match('%.([^%.\\/]+)$')
end

local function bad(name)
  return name and name ~= '' and refused[extension_of(name) or ''] or false
end

-- The end of the name that the content would have, if it is a program's.
local function program(part)
  if part:is_multipart() or part:is_message() then
    return nil
  end
  local content = part:get_content()
  local start = content and tostring(content:span(1, math.min(#content, 512))) or ''
  -- A text may begin with the letters of a program's mark.
  local text = part:get_type() == 'text' and not start:find('%z')
  return filenames.program(start, text) or (not text and part:get_detected_ext() or nil)
end

-- The name of the first file that is refused, or nil.
local function find(task)
  for _, part in ipairs(task:get_parts() or {}) do
    local names = part_names.of(part)
    for _, name in ipairs(names) do
      if bad(name) then
        return name
      end
    end
    local archive = part:get_archive()
    for _, inside in ipairs(archive and archive:get_files(1000) or {}) do
      if bad(inside) then
        return inside
      end
    end
    local kind = program(part)
    if kind and refused[kind:lower()] then
      return (names[1] ~= '' and names[1] or 'sans nom') .. ' (' .. kind:lower() .. ')'
    end
  end
end

if next(refused) then
  local id = rspamd_config:register_symbol({
    name = 'MP_ATTACHMENT_REFUSED',
    type = 'prefilter',
    -- Before greylisting, which would ask for it once more.
    priority = 9,
    flags = 'empty,nice',
    callback = function(task)
      local name = find(task)
      if name then
        local shown = name:gsub('[^%w%.%-_ ()]', '?'):sub(-LONGEST)
        task:insert_result('MP_ATTACHMENT_REFUSED', 1.0, shown)
        task:set_pre_result('reject', string.format(MESSAGE, shown, shown), 'attachments')
      end
    end,
  })
  rspamd_config:set_metric_symbol({ name = 'MP_ATTACHMENT_REFUSED', score = 0.0, group = 'malleposte', parent = id })
end
