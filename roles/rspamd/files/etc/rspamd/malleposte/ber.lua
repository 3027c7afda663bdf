-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The few LDAP messages that a look-up needs (RFC 4511), encoded and decoded as BER.
-- Pure Lua, no rspamd call: the tests run it alone. A filter is built as BER, never as text, so that a value
-- taken from a message cannot change its meaning.

local M = {}

local byte, char, sub = string.byte, string.char, string.sub

-- Most bytes of one LDAP message that we accept to hold (an answer is a few hundred).
M.MAX_MESSAGE = 262144

local function length(n)
  if n < 0x80 then
    return char(n)
  end
  local digits = ''
  while n > 0 do
    digits = char(n % 256) .. digits
    n = math.floor(n / 256)
  end
  return char(0x80 + #digits) .. digits
end

-- One tag, length, value. `content` is a byte string.
function M.tlv(tag, content)
  return char(tag) .. length(#content) .. content
end

local tlv = M.tlv

-- A non-negative integer below 2^31; tag 0x02, or 0x0a for an enumerated.
function M.integer(n, tag)
  local digits = ''
  repeat
    digits = char(n % 256) .. digits
    n = math.floor(n / 256)
  until n == 0
  if byte(digits) >= 0x80 then
    digits = '\0' .. digits
  end
  return tlv(tag or 0x02, digits)
end

local function octets(text)
  return tlv(0x04, text)
end

local function envelope(id, operation)
  return tlv(0x30, M.integer(id) .. operation)
end

-- A simple bind (the connection is a local socket or TLS).
function M.bind(id, dn, password)
  return envelope(id, tlv(0x60, M.integer(3) .. octets(dn) .. tlv(0x80, password)))
end

function M.unbind(id)
  return envelope(id, char(0x42, 0x00))
end

function M.equal(attribute, value)
  return tlv(0xa3, octets(attribute) .. octets(value))
end

function M.present(attribute)
  return tlv(0x87, attribute)
end

function M.any(filters)
  return tlv(0xa1, table.concat(filters))
end

function M.all(filters)
  return tlv(0xa0, table.concat(filters))
end

function M.negate(filter)
  return tlv(0xa2, filter)
end

-- A subtree search; `filter` comes from equal/present/any/all/negate.
function M.search(id, base, filter, attributes, size_limit, time_limit)
  local wanted = {}
  for _, name in ipairs(attributes) do
    wanted[#wanted + 1] = octets(name)
  end
  return envelope(id, tlv(0x63, octets(base) .. M.integer(2, 0x0a) .. M.integer(0, 0x0a)
      .. M.integer(size_limit) .. M.integer(time_limit) .. tlv(0x01, '\0')
      .. filter .. tlv(0x30, table.concat(wanted))))
end

-- Reads one element at `pos`. Returns tag, first and last byte of the content, next position;
-- or nil, 'short' when bytes are missing, or nil, reason when it is not something we accept.
function M.element(data, pos)
  local tag, first = byte(data, pos, pos + 1)
  if not first then
    return nil, 'short'
  end
  if tag % 32 == 31 then
    return nil, 'multi-byte tag'
  end
  local start, size = pos + 2, first
  if first >= 0x80 then
    local count = first - 0x80
    if count == 0 or count > 4 then
      return nil, 'unacceptable length'
    end
    local digits = { byte(data, start, start + count - 1) }
    if #digits < count then
      return nil, 'short'
    end
    size = 0
    for _, digit in ipairs(digits) do
      size = size * 256 + digit
    end
    start = start + count
  end
  if size > M.MAX_MESSAGE then
    return nil, 'message too long'
  end
  if start + size - 1 > #data then
    return nil, 'short'
  end
  return tag, start, start + size - 1, start + size
end

-- Like element, inside an already complete message: missing bytes are an error, and the tag is imposed.
local function inside(data, pos, last, tag)
  local got, start, stop, following = M.element(data, pos)
  if not got or stop > last or (tag and got ~= tag) then
    error('malformed answer', 0)
  end
  return start, stop, following, got
end

local function number(data, start, stop)
  if stop < start or stop - start > 3 then
    error('malformed number', 0)
  end
  local value = 0
  for i = start, stop do
    value = value * 256 + byte(data, i)
  end
  return value
end

local function entry(data, start, stop)
  local s, e, pos = inside(data, start, stop, 0x04)
  local result = { dn = sub(data, s, e), attributes = {} }
  local list, list_end = inside(data, pos, stop, 0x30)
  while list <= list_end do
    local a, a_end, following = inside(data, list, list_end, 0x30)
    local n, n_end, after_name = inside(data, a, a_end, 0x04)
    local values = {}
    local v, set_end = inside(data, after_name, a_end, 0x31)
    while v <= set_end do
      local x, y, next_value = inside(data, v, set_end, 0x04)
      values[#values + 1] = sub(data, x, y)
      v = next_value
    end
    result.attributes[sub(data, n, n_end):lower()] = values
    list = following
  end
  return result
end

local function message(data, start, stop)
  local s, e, pos = inside(data, start, stop, 0x02)
  local result = { id = number(data, s, e) }
  local body, body_end, _, tag = inside(data, pos, stop)
  if tag == 0x61 or tag == 0x65 or tag == 0x78 then
    result.kind = tag == 0x61 and 'bound' or tag == 0x65 and 'done' or 'notice'
    local c, c_end = inside(data, body, body_end, 0x0a)
    result.code = number(data, c, c_end)
  elseif tag == 0x64 then
    result.kind = 'entry'
    result.entry = entry(data, body, body_end)
  else
    result.kind = 'other'
  end
  return result
end

-- Reads the complete messages at the head of `data`.
-- Returns a list of messages and what is left over; or nil and the reason when it is not LDAP.
function M.messages(data)
  local list, pos = {}, 1
  while pos <= #data do
    local tag, start, stop, following = M.element(data, pos)
    if not tag then
      if start ~= 'short' then
        return nil, start
      end
      if #data - pos > M.MAX_MESSAGE then
        return nil, 'message too long'
      end
      break
    end
    if tag ~= 0x30 then
      return nil, 'not an LDAP message'
    end
    local fine, parsed = pcall(message, data, start, stop)
    if not fine then
      return nil, tostring(parsed)
    end
    list[#list + 1] = parsed
    pos = following
  end
  return list, sub(data, pos)
end

return M
