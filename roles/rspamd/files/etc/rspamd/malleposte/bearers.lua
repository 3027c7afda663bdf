-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Whether a shown name has the words of a function, and whether a function is a protected one. `fold` brings letters to those that
-- they look like (names.lua). Pure Lua: the tests run it alone.

local M = {}

local function words(text, fold)
  return ' ' .. fold(text):gsub('\226\128\153', ' '):gsub('[^%w\128-\255]+', ' ') .. ' '
end

-- The first of `phrases` whose words stand together in one of `texts`, or nil.
function M.phrase(texts, phrases, fold)
  for _, text in ipairs(texts) do
    local plain = words(text, fold)
    for _, phrase in ipairs(phrases) do
      if plain:find(words(phrase, fold), 1, true) then
        return phrase
      end
    end
  end
end

-- Whether one of `functions` begins with one of `heads`, in small letters as the directory has them.
function M.begins(functions, heads)
  for _, one in ipairs(functions) do
    local plain = one:lower()
    for _, head in ipairs(heads) do
      if plain:sub(1, #head) == head:lower() then
        return true
      end
    end
  end
  return false
end

return M
