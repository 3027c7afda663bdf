-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Reads the addresses of a From or Sender header (RFC 5322), strictly: what we cannot read we refuse, because
-- the reader's program may read it otherwise. Pure Lua, no rspamd call: the tests run it alone.

local M = {}

-- Most addresses that one message may claim.
M.MAX_ADDRESSES = 20

local ENCODED_WORD = '^=%?[^?%s]+%?[bBqQ]%?[^?%s]*%?='

-- Splits "local@domain" in lower case; nil when it is not an address.
function M.split(address)
  local name, domain = address:match('^(.+)@([^@]+)$')
  if not name then
    return nil
  end
  return name, (domain:gsub('%.+$', ''))
end

-- The same address without its +extension, or nil when it has none.
function M.base(address)
  local name, domain = M.split(address)
  local short = name and name:match('^([^+]+)%+')
  return short and (short .. '@' .. domain) or nil
end

-- Position after a comment that starts at `pos`; nil when it never ends.
local function skip_comment(text, pos)
  local depth = 0
  while pos <= #text do
    local c = text:sub(pos, pos)
    if c == '\\' then
      pos = pos + 1
    elseif c == '(' then
      depth = depth + 1
    elseif c == ')' then
      depth = depth - 1
      if depth == 0 then
        return pos + 1
      end
    end
    pos = pos + 1
  end
  return nil
end

-- A quoted string that starts at `pos`: its content, the position after it; nil when it never ends.
local function quoted(text, pos)
  local parts = {}
  pos = pos + 1
  while pos <= #text do
    local c = text:sub(pos, pos)
    if c == '\\' then
      pos = pos + 1
      parts[#parts + 1] = text:sub(pos, pos)
    elseif c == '"' then
      return table.concat(parts), pos + 1
    else
      parts[#parts + 1] = c
    end
    pos = pos + 1
  end
  return nil
end

-- Tokens of a header value: { kind, text } where kind is word, quoted or one of < > , : ; @
-- (an @ inside an atom stays there).
local function tokens(text)
  local list, pos = {}, 1
  while pos <= #text do
    local c = text:sub(pos, pos)
    local encoded = text:match(ENCODED_WORD, pos)
    if encoded then
      list[#list + 1] = { 'encoded', encoded }
      pos = pos + #encoded
    elseif c:match('%s') then
      pos = pos + 1
    elseif c == '(' then
      pos = skip_comment(text, pos)
      if not pos then
        return nil, 'open comment'
      end
    elseif c == '"' then
      local content
      content, pos = quoted(text, pos)
      if not content then
        return nil, 'open quotation mark'
      end
      list[#list + 1] = { 'quoted', content }
    elseif c:match('[<>,:;]') then
      list[#list + 1] = { c, c }
      pos = pos + 1
    elseif c:match('[%)\\%z\1-\31\127]') then
      return nil, 'forbidden character'
    else
      local word = text:match('^[^%s()<>,:;"\\%z\1-\31\127]+', pos)
      list[#list + 1] = { 'word', word }
      pos = pos + #word
    end
  end
  return list
end

-- Joins the tokens of an address ("a" "." "b@c") without the white space between them.
local function address_of(parts)
  local joined = {}
  for _, part in ipairs(parts) do
    joined[#joined + 1] = part[2]
  end
  local address = table.concat(joined):lower()
  local name, domain = M.split(address)
  if not name or name:find('@', 1, true) or domain == '' then
    return nil
  end
  return name .. '@' .. domain
end

-- The addresses of one header value, in lower case. Returns a list, or nil and the reason.
-- Groups are opened; an empty group or a value without address is an error.
function M.parse(value)
  local list, reason = tokens((value:gsub('[\r\n]+', ' ')))
  if not list then
    return nil, reason
  end
  local found, phrase, angle = {}, {}, nil
  local closed, in_group = false, false

  local function finish()
    if angle == nil and #phrase == 0 then
      closed = false
      return true
    end
    local address = address_of(angle or phrase)
    if not address then
      return false
    end
    found[#found + 1] = address
    phrase, angle, closed = {}, nil, false
    return true
  end

  local inside = false
  for _, token in ipairs(list) do
    local kind = token[1]
    if inside then
      if kind == '>' then
        inside, closed = false, true
      elseif kind == 'word' or kind == 'quoted' then
        angle[#angle + 1] = token
      else
        return nil, 'malformed address'
      end
    elseif kind == '<' then
      if closed then
        return nil, 'two addresses in one'
      end
      inside, angle = true, {}
    elseif kind == ',' or kind == ';' then
      if kind == ';' and not in_group then
        return nil, 'stray semicolon'
      end
      if not finish() then
        return nil, 'no address'
      end
      if kind == ';' then
        in_group = false
      end
    elseif kind == ':' then
      if in_group or closed or #phrase == 0 then
        return nil, 'stray colon'
      end
      in_group, phrase = true, {}
    elseif kind == '>' or closed then
      return nil, 'text after the address'
    else
      phrase[#phrase + 1] = token
    end
  end
  if inside or in_group then
    return nil, 'unfinished address'
  end
  if not finish() then
    return nil, 'no address'
  end
  if #found == 0 then
    return nil, 'no address'
  end
  if #found > M.MAX_ADDRESSES then
    return nil, 'too many addresses'
  end
  return found
end

-- What a reader does not see (U+00AD, 200B to 200F, 202A to 202E, 2060 to 2064, 2066 to 2069, FEFF), in UTF-8.
local UNSEEN = {
  '\194\173', '\226\128[\139-\143]', '\226\128[\170-\174]', '\226\129[\160-\164]', '\226\129[\166-\169]',
  '\239\187\191',
}
-- Text is shown backwards from here (U+202E, 2067).
local BACKWARDS = { '\226\128\174', '\226\129\167' }
-- What looks like a dot or a dash without being one even to NFKC (U+00B7, 2010 to 2015, 2022, 2027, 2043, 2212, 22C5, 3002,
-- 30FB).
local MARKS = { '\194\183', '\226\128[\144-\149]', '\226\128\162', '\226\128\167', '\226\129\131', '\226\136\146',
  '\226\139\133', '\227\128\130', '\227\131\187' }

local function backwards(text)
  local characters = {}
  for character in text:gmatch('[%z\1-\127\194-\244][\128-\191]*') do
    table.insert(characters, 1, character)
  end
  return table.concat(characters)
end

-- The texts that a reader may take `text` for: without what is not seen, with the characters that others only look like,
-- and read backwards where it is shown so. `normalise` gives the NFKC form of a text, or nil.
local function readings(text, normalise)
  local turned = false
  for _, mark in ipairs(BACKWARDS) do
    turned = turned or text:find(mark, 1, true) ~= nil
  end
  local plain = (normalise and normalise(text) or text):lower()
  for _, unseen in ipairs(UNSEEN) do
    plain = plain:gsub(unseen, '')
  end
  plain = plain:gsub('\239\188\160', '@'):gsub('\239\185\171', '@'):gsub('%s*@%s*', '@')
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

-- Everything in `text` that looks like an address of one of `domains` (a set, lower case), wherever it stands:
-- a display name, a comment, an encoded word once decoded. `normalise` as above; without it look-alikes are fewer.
function M.mentions(text, domains, normalise)
  local found, seen = {}, {}
  for _, plain in ipairs(readings(text, normalise)) do
    for name, domain in plain:gmatch('([^%s<>"(),:;%[%]\\@\']+)@([%w%.%-_\128-\255]+)') do
      local bare = domain:gsub('%.+$', '')
      local address = name .. '@' .. bare
      if domains[bare] and not seen[address] then
        seen[address] = true
        found[#found + 1] = address
      end
    end
  end
  return found
end

-- Whether `domain` lies below one of `domains`, and is none of them.
function M.below(domain, domains)
  local upper = domain:match('^[^.]+%.(.+)$')
  while upper and not domains[domain] do
    if domains[upper] then
      return true
    end
    upper = upper:match('^[^.]+%.(.+)$')
  end
  return false
end

-- How many lines of a raw header block start the field `name` (lower case), counting a bare CR as a line end and
-- blanks before the colon as allowed, as the most lenient readers do.
function M.count_field(raw, name)
  local count = 0
  for line in (raw:lower() .. '\n'):gmatch('([^\r\n%z]*)[\r\n%z]') do
    if line:match('^' .. name:gsub('%-', '%%-') .. '[ \t]*:') then
      count = count + 1
    end
  end
  return count
end

return M
