-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Compares the name that a sender shows with the names of the directory, as a reader does: without accents, capitals, titles or
-- the order of its words, and with letters of other alphabets as those that they look like. The tests run it alone.

local M = {}

-- U+00C0 to U+017F, each by its letter; ? is in MORE or no letter.
local LATIN = 'aaaaaa?ceeeeiiii?nooooo??uuuuy??aaaaaa?ceeeeiiii?nooooo??uuuuy?y'
    .. 'aaaaaaccccccccdd??eeeeeeeeeegggggggghh??iiiiiiiii?iijjkk?llllllll??nnnnnn???oooooo??rrrrrrsssssssstttt??uuuuuuuuuuuu'
    .. 'wwyyyzzzzzzs'
-- Letters that have no such letter, as addresses are made of them, and Cyrillic and Greek letters that look like Latin ones.
local MORE = {}
for letters, plain in pairs({
  ['Ææ'] = 'ae', ['Œœ'] = 'oe', ['ß'] = 'ss', ['Þþ'] = 'th', ['ÐðĐđ'] = 'd', ['Øø'] = 'o', ['Łł'] = 'l', ['Ħħ'] = 'h',
  ['ı'] = 'i', ['Ŧŧ'] = 't', ['Ŋŋŉ'] = 'n', ['ĸ'] = 'k',
  ['аАαΑ'] = 'a', ['ВΒ'] = 'b', ['сС'] = 'c', ['ԁ'] = 'd', ['еЕёЁΕ'] = 'e', ['НΗ'] = 'h', ['іІїЇιΙӏ'] = 'i', ['јЈ'] = 'j',
  ['КΚκк'] = 'k', ['МΜ'] = 'm', ['Ν'] = 'n', ['оОοΟ'] = 'o', ['рРρΡ'] = 'p', ['ѕЅ'] = 's', ['ТΤ'] = 't', ['υ'] = 'u',
  ['ν'] = 'v', ['хХΧχ'] = 'x', ['уУΥ'] = 'y', ['Ζ'] = 'z',
}) do
  for letter in letters:gmatch('[\194-\244][\128-\191]*') do
    MORE[letter] = plain
  end
end
-- Titles before a name, and what stands after it: a comment, a function, a school.
local TITLES = {}
for title in ('m mr mme mlle dr pr me monsieur madame mademoiselle docteur professeur'):gmatch('%S+') do
  TITLES[title] = true
end
local AFTER = { '%(', '%[', ',', '/', '|', ' %- ', ' – ', ' — ', ' : ' }
local APOSTROPHES = { "'", '’', 'ʼ', '`' }
-- Words of a name; one of more is no person's.
local MOST_WORDS = 8

-- Small letters without accents; what is no Latin letter stays.
function M.fold(text)
  local folded = text:lower():gsub('\204[\128-\191]', ''):gsub('\205[\128-\175]', '')
  return (folded:gsub('[\194-\244][\128-\191]*', function(letter)
    local first, second = letter:byte(1, 2)
    local place = first and first >= 195 and first <= 197 and (first - 195) * 64 + second - 127
    local plain = place and LATIN:sub(place, place) or '?'
    return plain ~= '?' and plain or MORE[letter] or letter
  end))
end

-- The words of a name as they were written (hyphens stay), titles left out.
local function words_of(text)
  local words = {}
  for word in text:gsub('\194\160', ' '):gmatch('[^%s_]+') do
    if not TITLES[M.fold(word):gsub('%.', '')] then
      words[#words + 1] = word
    end
  end
  return words
end

-- A name in the form in which two are compared: its folded words in the order of the alphabet; nil for less than two words.
function M.key(text)
  local words = {}
  for _, mark in ipairs(APOSTROPHES) do
    text = text:gsub(mark, '')
  end
  for word in table.concat(words_of(text), ' '):gmatch('[^%s%p]+') do
    word = M.fold(word)
    words[#words + 1] = word:match('%l') and word:gsub('0', 'o'):gsub('1', 'l') or word
  end
  if #words < 2 or #words > MOST_WORDS then
    return nil
  end
  table.sort(words)
  return table.concat(words, ' ')
end

-- The names that a shown text may be: the whole, and what stands before a comment, a function or a school.
function M.parts(text)
  local parts = { text }
  for _, mark in ipairs(AFTER) do
    local at = text:find(mark)
    if at and at > 1 then
      parts[#parts + 1] = text:sub(1, at - 1)
    end
  end
  return parts
end

local function slug(words, first, last)
  local text = M.fold(table.concat(words, '-', first, last))
  for _, mark in ipairs(APOSTROPHES) do
    text = text:gsub(mark, '')
  end
  return (text:gsub('[^%l%d]+', '-'):gsub('^%-', ''):gsub('%-$', ''))
end

-- How the directory may have a person of this name: { full names }, { local parts of addresses } (first name.surname, as the
-- platform gives them), each in whatever order the words were written.
function M.entries(text)
  local words = words_of(text)
  local full, locals = {}, {}
  if #words < 2 or #words > MOST_WORDS then
    return full, locals
  end
  for place = 1, #words do
    local turned = {}
    for step = 0, #words - 1 do
      turned[#turned + 1] = words[(place + step - 1) % #words + 1]
    end
    full[#full + 1] = table.concat(turned, ' ')
    if place > 1 then
      local before, after = slug(words, 1, place - 1), slug(words, place, #words)
      if before ~= '' and after ~= '' then
        locals[#locals + 1] = before .. '.' .. after
        locals[#locals + 1] = after .. '.' .. before
      end
    end
  end
  return full, locals
end

return M
