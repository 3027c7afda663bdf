-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The texts for which a reader, or a reader's program, may take a text of a field: decoded, without comments, in NFKC, without
-- characters that are not shown. `tools` gives what Lua lacks: `normalise` (NFKC of a text, or nil), `base64` (a text decoded,
-- or nil). The tests run it alone.

local M = {}

-- What a reader does not see (U+00AD, 034F, 061C, 180E, 200B to 200F, 202A to 202E, 2060 to 2064, 2066 to 2069, FE00 to FE0F,
-- FEFF), in UTF-8.
local UNSEEN = {
  '\194\173', '\205\143', '\216\156', '\225\160\142', '\226\128[\139-\143]', '\226\128[\170-\174]', '\226\129[\160-\164]',
  '\226\129[\166-\169]', '\239\184[\128-\143]', '\239\187\191',
}
-- Text is shown backwards from here (U+202E, 2067).
local BACKWARDS = { '\226\128\174', '\226\129\167' }
-- What looks like a dot or a dash without being one even to NFKC (U+00B7, 2010 to 2015, 2022, 2027, 2043, 2212, 22C5, 3002,
-- 30FB).
local MARKS = { '\194\183', '\226\128[\144-\149]', '\226\128\162', '\226\128\167', '\226\129\131', '\226\136\146',
  '\226\139\133', '\227\128\130', '\227\131\187' }
-- How an @ and a dot are written for people, in small letters: between brackets, or as a word of its own.
local AT = { '@', 'at', 'a', 'arobase', 'arrobase', 'chez' }
local DOT = { '.', 'dot', 'point' }
-- Octets of a local part that are looked at.
local LONGEST = 256

local function backwards(text)
  local characters = {}
  for character in text:gmatch('[%z\1-\127\194-\244][\128-\191]*') do
    characters[#characters + 1] = character
  end
  local turned = {}
  for place = #characters, 1, -1 do
    turned[#turned + 1] = characters[place]
  end
  return table.concat(turned)
end

-- The texts that a reader may take `text` for: without what is not seen, with the characters that others only look like,
-- and read backwards where it is shown so.
function M.looks(text, tools)
  local turned = false
  for _, mark in ipairs(BACKWARDS) do
    turned = turned or text:find(mark, 1, true) ~= nil
  end
  local plain = (tools.normalise and tools.normalise(text) or text):lower()
  for _, unseen in ipairs(UNSEEN) do
    plain = plain:gsub(unseen, '')
  end
  -- One blank for several: a pattern that begins with blanks would cost their number squared.
  plain = plain:gsub('%s+', ' '):gsub('\239\188\160', '@'):gsub('\239\185\171', '@'):gsub(' ?@ ?', '@')
  local list = { plain }
  for _, written in ipairs({ '.', '-' }) do
    local other = plain
    for _, mark in ipairs(MARKS) do
      other = other:gsub(mark, written)
    end
    if other ~= plain then
      list[#list + 1] = other
    end
  end
  for i = 1, turned and #list or 0 do
    list[#list + 1] = backwards(list[i])
  end
  return list
end

-- "x (at) y [point] z" as "x@y.z".
local function undisguised(text)
  local function written(words, sign)
    for _, word in ipairs(words) do
      local literal = word:gsub('%.', '%%.')
      text = text:gsub(' ?[%(%[{<] ?' .. literal .. ' ?[%)%]}>] ?', sign)
      if #word > 1 then
        text = text:gsub(' ' .. literal .. ' ', sign)
      end
    end
  end
  written(AT, '@')
  written(DOT, '.')
  return text
end

-- Calls take(address) for everything in `plain` that looks like an address of one of `domains`.
local function each_address(plain, domains, take)
  local at = plain:find('@', 1, true)
  while at do
    local domain = plain:match('^[%w%.%-_\128-\255]+', at + 1)
    local bare = domain and domain:gsub('%.+$', '')
    if domains[bare or ''] then
      -- From its end: a pattern that looks for its beginning would cost the length squared.
      local name = plain:sub(math.max(at - LONGEST, 1), at - 1):reverse():match('^[^%s<>"(),:;%[%]\\@\']+')
      if name then
        take(name:reverse() .. '@' .. bare)
      end
    end
    at = plain:find('@', at + 1, true)
  end
end

-- Everything in `text` that looks like an address of one of `domains` (a set, lower case), wherever it stands: a display name,
-- a comment, an encoded word once decoded; also with blanks in it, or with a word for its @ and its dots.
function M.mentions(text, domains, tools)
  local found, seen = {}, {}
  local function take(address)
    if not seen[address] then
      seen[address] = true
      found[#found + 1] = address
    end
  end
  for _, plain in ipairs(M.looks(text, tools)) do
    each_address(plain, domains, take)
    local open = undisguised(plain)
    if open ~= plain then
      each_address(open, domains, take)
    end
    local _, shown = open:gsub('@', '')
    local counted = 0
    each_address(open, domains, function() counted = counted + 1 end)
    if counted < shown then
      local spaced = 0
      each_address(open:gsub('%s', ''), domains, function() spaced = spaced + 1 end)
      if spaced > counted then
        each_address(open:gsub('%s', ''), domains, take)
      end
    end
  end
  return found
end

-- A text without its comments; one that never ends goes to the end.
function M.without_comments(text)
  local parts, depth, pos = {}, 0, 1
  for before, c, after in text:gmatch('([^()\\]*)([()\\]?)()') do
    if depth == 0 then
      parts[#parts + 1] = before
    end
    if c == '(' then
      depth = depth + 1
    elseif c == ')' then
      depth = math.max(depth - 1, 0)
    end
    pos = after
  end
  return table.concat(parts) .. text:sub(pos)
end

-- Encoded words (RFC 2047) of any charset, wherever they stand and whatever is wrong with them. Letters of UTF-16 are ASCII with
-- NULs between them, and those are taken out with all that is no letter.
function M.decoded(text, tools)
  text = text:gsub('%?=%s+=%?', '?==?')
  return (text:gsub('=%?[^?]*%?([bBqQ])%?([^?]*)%?=', function(encoding, word)
    if encoding:lower() == 'b' then
      return tools.base64 and tools.base64((word:gsub('[^%w+/]', ''))) or word
    end
    return (word:gsub('_', ' '):gsub('=(%x%x)', function(digits)
      return string.char(tonumber(digits, 16))
    end))
  end))
end

-- Whether `text` names one of `domains` in any reading: as it is, decoded, without comments, without anything that is no letter.
function M.names_domain(text, domains, tools)
  local texts = { text, M.decoded(text, tools) }
  for place = 1, 2 do
    texts[#texts + 1] = M.without_comments(texts[place])
    texts[#texts + 1] = M.decoded(texts[place]:gsub('%s', ''), tools)
  end
  for _, one in ipairs(texts) do
    for _, plain in ipairs(M.looks(one:gsub('[%z\1-\31\127]', ''), tools)) do
      for _, reading in ipairs({ plain, undisguised(plain) }) do
        local letters = reading:gsub('[%s"\'\\()%[%]<>,:;]', '')
        for domain in pairs(domains) do
          if letters:find(domain, 1, true) then
            return true
          end
        end
      end
    end
  end
  return false
end

return M
