-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Every name for which a reader's program may take an attachment: from both fields that may hold one, in pieces and percent
-- encoded (RFC 2231), as encoded words (RFC 2047, 5 forbids them there, and programs write and read them), quoted or not. Pure
-- Lua, no rspamd call: the tests run it alone.

local M = {}

-- The parameters of a field's value: { name in lower case, value } in their order.
local function parameters(value)
  local list, pos = {}, value:find(';', 1, true)
  while pos do
    local name, after = value:match('^[;%s]*([^%s;=()"]+)%s*=%s*()', pos)
    if name then
      local content, rest = value:match('^"(.-[^\\])"()', after)
      if not content then
        content, rest = value:match('^"?([^;"]*)"?()', after)
        content = content:gsub('%s+$', '')
      end
      list[#list + 1] = { name:lower(), (content:gsub('\\(.)', '%1')) }
      pos = value:find(';', rest, true)
    else
      pos = value:find(';', pos + 1, true)
    end
  end
  return list
end

local function unescaped(text)
  return (text:gsub('%%(%x%x)', function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

-- The names in the values of Content-Disposition and Content-Type (a list). `decode` reads encoded words, `bare` leaves comments
-- out.
function M.names(values, decode, bare)
  local names, seen = {}, {}
  local function add(name)
    for _, one in ipairs({ name, decode(name), unescaped(name), unescaped(name:gsub("^[^']*'[^']*'", '')) }) do
      one = one:gsub('[%z\1-\31\127]', '')
      if one ~= '' and not seen[one] then
        seen[one] = true
        names[#names + 1] = one
      end
    end
  end
  for _, value in ipairs(values) do
    for _, text in ipairs({ value, bare(value) }) do
      local pieces = { name = {}, filename = {} }
      for _, parameter in ipairs(parameters(text)) do
        local base, number = parameter[1]:match('^([^*]+)%*?(%d*)%*?$')
        if base and pieces[base] then
          add(parameter[2])
          if number ~= '' then
            table.insert(pieces[base], { tonumber(number), parameter[2] })
          end
        end
      end
      for _, list in pairs(pieces) do
        table.sort(list, function(one, other) return one[1] < other[1] end)
        local joined = {}
        for place, piece in ipairs(list) do
          joined[place] = piece[2]
        end
        if #joined > 1 then
          add(table.concat(joined))
        end
      end
    end
  end
  return names
end

-- Beginnings by which the content of a file is known as a program, and the end that such a file's name would have.
local STARTS = {
  { 'MZ', 'exe' }, { 'L\0\0\0\1\20\2\0', 'lnk' }, { 'ITSF', 'chm' }, { '\202\254\186\190', 'jar' },
  { 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$', 'com' }, { 'REGEDIT4', 'reg' }, { 'Windows Registry Editor Version', 'reg' },
  { '\255\254W\0i\0n\0d\0o\0w\0s\0 \0R\0e\0g\0i\0s\0t\0r\0y\0', 'reg' },
}

-- The end of a program's name that a file with this beginning would have, or nil. In a text (`text`) a short mark is a word.
function M.program(start, text)
  for _, one in ipairs(STARTS) do
    if start:sub(1, #one[1]) == one[1] and not (text and #one[1] < 8) then
      return one[2]
    end
  end
end

return M
