-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Attachments that a browser opens: whether a file is one, by its name or its type, and what marks in its content make it a
-- form or a program. Pure Lua: the tests run it alone.

local M = {}

-- Ends of names that a browser opens as a page.
local ENDS = {}
for name in ('htm html xhtml xht shtml shtm mht mhtml svg xml'):gmatch('%S+') do
  ENDS[name] = true
end
local TYPES = {
  ['text/html'] = true, ['application/xhtml+xml'] = true, ['image/svg+xml'] = true, ['application/x-mimearchive'] = true,
}

-- What makes a page ask for something or run something, and what makes it ask for a secret or hide what it runs. Small letters;
-- an event begins with what may stand before an attribute.
M.ACTIVE = { '<form', '<script', 'atob(', 'javascript:', 'srcdoc', 'data:text/html' }
for _, quote in ipairs({ '', '"', "'" }) do
  M.ACTIVE[#M.ACTIVE + 1] = 'http-equiv=' .. quote .. 'refresh'
end
-- With a prefix, as XHTML may have them; `xmlns:script=` is none.
for _, name in ipairs({ 'form', 'script' }) do
  for _, after in ipairs({ '>', ' ', '\n' }) do
    M.ACTIVE[#M.ACTIVE + 1] = ':' .. name .. after
  end
end
for _, event in ipairs({ 'onload', 'onerror', 'onclick', 'onmouseover', 'onbegin', 'ontoggle', 'onfocus' }) do
  for _, before in ipairs({ ' ', '\t', '\n', '/', '"', "'" }) do
    M.ACTIVE[#M.ACTIVE + 1] = before .. event .. '='
  end
end
M.SECRET = {
  'type=password', 'type="password', "type='password", 'atob(', 'unescape(', 'fromcharcode', 'eval(',
}

-- Whether a part is a page, by one of its names or its type (small letters).
function M.is_page(names, kind)
  if TYPES[kind] then
    return true
  end
  for _, name in ipairs(names) do
    local ending = name:lower():gsub('[%s%.%z]+$', ''):match('%.([%w]+)$')
    if ENDS[ending or ''] then
      return true
    end
  end
  return false
end

-- A content in which marks are found as a browser reads them: without the zeros of UTF-16.
function M.plain(content)
  if content:find('%z') then
    return (content:gsub('%z', ''))
  end
  return content
end

-- Formats of Office files with macros, by the end of the name, and formats that have none.
M.MACROS, M.PLAIN = {}, {}
for name in ('docm dotm xlsm xltm xlam xlsb pptm potm ppam ppsm sldm'):gmatch('%S+') do
  M.MACROS[name] = true
end
for name in ('docx dotx xlsx xltx pptx potx ppsx'):gmatch('%S+') do
  M.PLAIN[name] = true
end

-- The end of a name, in small letters, as Windows takes it; empty for none.
function M.ending(name)
  return name:lower():gsub('[%s%.%z]+$', ''):match('%.([%w]+)$') or ''
end

return M
