-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What a message claims in the fields that readers take for its author: addresses, names, and whether any program could read
-- an address of ours where we read none. The fields are taken from the raw header, so that one of which rspamd knows nothing
-- is seen too.

local rspamd_util = require "rspamd_util"

local directory = rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/'
local addresses = dofile(directory .. 'addresses.lua')
local readings = dofile(directory .. 'readings.lua')

local M = {}

-- The fields whose addresses must be the sender's own; and those where anybody may name anybody, in a form that every program
-- reads alike.
M.SENDERS = { 'From', 'Sender', 'Resent-From', 'Resent-Sender' }
M.REPLIES = { 'Reply-To', 'Resent-Reply-To' }
-- Answers may go to many.
local MOST = { ['Reply-To'] = math.huge, ['Resent-Reply-To'] = math.huge }
-- Octets of a field that names authors; twenty addresses with their names have a tenth of it.
M.LONGEST = 16384
M.TOOLS = {
  normalise = rspamd_util.normalize_utf8,
  base64 = function(text)
    return tostring(rspamd_util.decode_base64(text) or '')
  end,
}

-- A shown text as a reader's program decodes it, in UTF-8.
local function shown_text(task, text)
  if not rspamd_util.is_valid_utf8(text) then
    text = text:gsub('[\128-\255]', function(c)
      return string.char(192 + math.floor(c:byte() / 64) % 4, 128 + c:byte() % 64)
    end)
  end
  local seen = rspamd_util.parse_mail_address(text:gsub('[<>"(),:;@\\%[%]]', ' ') .. ' <x@invalid>', task:get_mempool(), 2)
  return seen and seen[1] and seen[1].name or text
end

-- Reads the fields `name` of a message; `own` is the set of our domains. Returns
--  count: how many there are;
--  plain: whether rspamd sees the same ones;
--  addresses: a set, by our reading and by rspamd's;
--  named: a set, addresses of ours that stand anywhere in them;
--  names: a list, the texts shown beside the addresses, decoded;
--  unread: why one of them cannot be read, or nil;
--  ours: whether that one names a domain of ours in any reading.
function M.read(task, name, own)
  local values = addresses.fields(tostring(task:get_raw_headers() or ''), name:lower())
  local headers = task:get_header_full(name) or {}
  local claim = { count = #values, plain = #values == #headers, addresses = {}, named = {}, names = {}, ours = false }
  for place, value in ipairs(values) do
    local header = claim.plain and headers[place] or {}
    local list, shown
    if #value > M.LONGEST then
      shown, claim.ours = 'too long', true
    else
      list, shown = addresses.parse(value, MOST[name])
      local decoded = header.decoded or readings.decoded(value, M.TOOLS)
      local seen = rspamd_util.parse_mail_address(value, task:get_mempool(), 1024) or {}
      if not list then
        claim.ours = claim.ours or readings.names_domain(value, own, M.TOOLS) or readings.names_domain(decoded, own, M.TOOLS)
      end
      for _, one in ipairs(seen) do
        if one.addr and one.addr ~= '' then
          claim.addresses[one.addr:lower()] = true
        end
        claim.names[#claim.names + 1] = one.name and one.name ~= '' and one.name or nil
      end
      for _, text in ipairs({ value, decoded }) do
        for _, address in ipairs(readings.mentions(text, own, M.TOOLS)) do
          claim.named[address] = true
        end
      end
    end
    if list then
      for number, address in ipairs(list) do
        claim.addresses[address] = true
        for _, text in ipairs(shown[number]) do
          claim.names[#claim.names + 1] = shown_text(task, text)
        end
      end
    else
      claim.unread = claim.unread or shown
    end
  end
  return claim
end

return M
