-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Reads the addresses of a field (From, Sender, Reply-To and their Resent- forms), in one strict form of RFC 5322: what is not
-- in it is not read at all, because programs of readers take it for different addresses (docs/readings.md). Not in it: a comment
-- or a blank within an address, `@ [ ] \` outside quotation marks, text after an address, control characters, routes, empty
-- members. Pure Lua, no rspamd call: the tests run it alone.

local M = {}

-- Most addresses that one message may claim.
M.MAX_ADDRESSES = 20
-- Characters of a local part and of a domain (RFC 5321, 4.5.3.1).
local MAX_LOCAL, MAX_DOMAIN = 64, 255

local CONTROL = '[%z\1-\8\10-\31\127]'
local WORD = '^[^%s()<>,:;"\\%[%]%z\1-\31\127]+'

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

-- The text of a comment or a quoted string that starts at `pos`, without its quoted pairs, and the position after it; nil when
-- it never ends.
local function enclosed(text, pos, opening, closing)
  local parts, depth = {}, 1
  pos = pos + 1
  while true do
    local at = text:find('[\\' .. opening .. closing .. ']', pos)
    if not at then
      return nil
    end
    local c = text:sub(at, at)
    parts[#parts + 1] = text:sub(pos, at - 1)
    pos = at + 1
    if c == '\\' then
      parts[#parts + 1] = text:sub(pos, pos)
      pos = pos + 1
    elseif c == closing then
      depth = depth - 1
      if depth == 0 then
        return table.concat(parts), pos
      end
      parts[#parts + 1] = ' '
    else
      depth = depth + 1
      parts[#parts + 1] = ' '
    end
  end
end

-- Tokens of a value: { kind, text, position, position after }, where kind is word, quoted, comment or one of < > , : ;
-- (an @ stands within a word).
local function tokens(text)
  local list, pos = {}, 1
  local function add(kind, content, after)
    list[#list + 1] = { kind, content, pos, after }
    pos = after
  end
  while pos <= #text do
    local c = text:sub(pos, pos)
    if c == ' ' or c == '\t' then
      pos = text:match('^[ \t]+()', pos)
    elseif c == '(' or c == '"' then
      local content, after = enclosed(text, pos, c, c == '(' and ')' or '"')
      if not content then
        return nil, c == '(' and 'open comment' or 'open quotation mark'
      end
      add(c == '(' and 'comment' or 'quoted', content, after)
    elseif c:match('[<>,:;]') then
      add(c, c, pos + 1)
    else
      local word = text:match(WORD, pos)
      if not word then
        return nil, 'forbidden character'
      end
      add('word', word, pos + #word)
    end
  end
  return list
end

local function dot_atom(text)
  return text:match("^[%w!#$%%&'*+/=?^_`{|}~.-]+$") and not ('.' .. text .. '.'):find('..', 1, true)
end

local function host(text)
  return text:match('^[%w.-]+$') and #text <= MAX_DOMAIN and not ('.' .. text .. '.'):find('%.[.-]') and not text:find('-.', 1, true)
      and text:sub(-1) ~= '-'
end

-- The address of the tokens `first` to `last`, in lower case: one word, or a quoted string with "@domain" right after it.
local function address_of(list, first, last)
  local name, domain
  if first == last and list[first][1] == 'word' then
    name, domain = list[first][2]:match('^([^@]+)@([^@]+)$')
    name = name and dot_atom(name) and name
  elseif first + 1 == last and list[first][1] == 'quoted' and list[last][1] == 'word' and list[first][4] == list[last][3] then
    domain = list[last][2]:match('^@([^@]+)$')
    -- What looks like more than a name in there is shown without its quotation marks.
    name = list[first][2]:match('^[^@<>"\\,:;()]+$')
  end
  -- Nor is an encoded word part of an address: some programs decode it there.
  if not name or not domain or #name > MAX_LOCAL or not host(domain) or name:find('[\128-\255]') or name:find('=?', 1, true) then
    return nil
  end
  return (name .. '@' .. domain):lower()
end

-- One member of a list, the tokens `first` to `last`: its address and the texts shown beside it; or nil and the reason.
local function member(list, first, last)
  local plain, texts, angle, closed = {}, {}, nil, nil
  for place = first, last do
    local kind = list[place][1]
    if kind == '<' then
      if angle then
        return nil, 'two addresses in one'
      end
      angle = place
    elseif kind == '>' then
      if not angle or closed then
        return nil, 'text after the address'
      end
      closed = place
    elseif kind == 'comment' then
      if angle and not closed then
        return nil, 'comment in an address'
      end
      texts[#texts + 1] = list[place][2]
    elseif closed then
      return nil, 'text after the address'
    elseif not angle then
      plain[#plain + 1] = place
    end
  end
  if not angle then
    local address = #plain > 0 and plain[#plain] - plain[1] == #plain - 1 and address_of(list, plain[1], plain[#plain])
    if not address then
      return nil, 'no address'
    end
    return address, texts
  end
  local inside = closed and closed - 1 > angle and list[angle][4] == list[angle + 1][3] and list[closed - 1][4] == list[closed][3]
  local address = inside and address_of(list, angle + 1, closed - 1)
  if not address then
    return nil, 'malformed address'
  end
  local words = {}
  for _, place in ipairs(plain) do
    local kind, text = list[place][1], list[place][2]
    -- Some programs write the address itself before it: every reader takes it for the same address.
    if kind == 'word' and text:find('@', 1, true) and not (#plain == 1 and text:lower() == address) then
      return nil, 'address in a name without quotation marks'
    end
    words[#words + 1] = text
  end
  if words[1] and words[1]:sub(1, 1) == '.' then
    return nil, 'name that begins with a dot'
  end
  table.insert(texts, 1, table.concat(words, ' '))
  return address, texts
end

-- The addresses of one value, in lower case, and the texts shown beside each (a list of names and comments, as they are
-- written, for each address); or nil and the reason. Groups are opened; without any address the value is not read, nor with more
-- than `most` (MAX_ADDRESSES unless given).
function M.parse(value, most)
  if value:find(CONTROL) then
    return nil, 'forbidden character'
  end
  local list, reason = tokens(value)
  if not list then
    return nil, reason
  end
  local found, shown, start, group = {}, {}, 1, false
  for place = 1, #list + 1 do
    local kind = list[place] and list[place][1] or 'end'
    if kind == ':' then
      local angle = false
      for before = start, place - 1 do
        angle = angle or not list[before][1]:match('^[wqc]') or list[before][2]:find('@', 1, true)
      end
      if group or angle or start == place or (start > 1 and list[start - 1][1] == ';') then
        return nil, 'stray colon'
      end
      group, start = true, place + 1
    elseif kind == ',' or kind == ';' or kind == 'end' then
      if kind == ';' and not group then
        return nil, 'stray semicolon'
      elseif kind == 'end' and group then
        return nil, 'unfinished group'
      end
      local after_group = start > 1 and list[start - 1][1] == ';'
      local empty_group = kind == ';' and start == place and list[start - 1][1] == ':'
      if after_group then
        -- Between the end of a group and the next member there are comments at most.
        for between = start, place - 1 do
          if list[between][1] ~= 'comment' then
            return nil, 'text after the group'
          end
        end
      elseif not empty_group then
        local address, texts = member(list, start, place - 1)
        if not address then
          return nil, texts
        end
        found[#found + 1], shown[#shown + 1] = address, texts
      end
      group = group and kind ~= ';'
      start = place + 1
    end
  end
  if #found == 0 then
    return nil, 'no address'
  elseif #found > (most or M.MAX_ADDRESSES) then
    return nil, 'too many addresses'
  end
  return found, shown
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

-- The values of each field `name` (lower case) in a raw header block, unfolded. A bare CR and a NUL count as the end of a line,
-- and blanks before the colon are allowed, as the most lenient readers have it.
function M.fields(raw, name)
  local values, open = {}, nil
  local pattern = '^' .. name:gsub('%-', '%%-') .. '[ \t]*:'
  for line in (raw:gsub('\r\n', '\n') .. '\n'):gmatch('([^\r\n%z]*)[\r\n%z]') do
    if open and line:match('^[ \t]') then
      open[#open + 1] = line
    else
      if open then
        values[#values + 1] = table.concat(open)
        open = nil
      end
      local _, colon = line:lower():find(pattern)
      if colon then
        open = { line:sub(colon + 1) }
      end
    end
  end
  if open then
    values[#values + 1] = table.concat(open)
  end
  return values
end

return M
