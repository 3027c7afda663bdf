-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Whether a domain looks like one of ours without being ours: our name with another end, our name within a longer one, or a
-- name one character away, as a reader sees it. `fold` brings letters to those that they look like (names.lua). The tests run it
-- alone.

local M = {}

-- Octets of a domain and of a label (RFC 1035); a longer one is no domain.
local LONGEST, LABEL = 253, 63
-- Below so many characters one of difference makes another name.
local SHORTEST = 7

-- What a label looks like.
local function look(label, fold)
  return (fold(label):gsub('0', 'o'):gsub('[1|!]', 'l'):gsub('i', 'l'):gsub('rn', 'm'):gsub('vv', 'w'):gsub('[-_]', ''))
end

-- Whether one character, or two that changed places, tell the texts apart. Equal texts are near.
local function near(one, other)
  if math.abs(#one - #other) > 1 then
    return false
  end
  local first = 1
  while first <= #one and one:byte(first) == other:byte(first) do
    first = first + 1
  end
  local rest, remains = one:sub(first), other:sub(first)
  return rest:sub(2) == remains:sub(2) or rest == remains:sub(2) or rest:sub(2) == remains
      or (#rest > 1 and rest:sub(1, 2) == remains:sub(1, 2):reverse() and rest:sub(3) == remains:sub(3))
end

-- Whether `domain` (lower case) looks like one of `own` (a set). Domains of ours and below ours do not.
function M.like(domain, own, fold)
  if #domain > LONGEST or own[domain] then
    return false
  end
  for ours in pairs(own) do
    if domain:sub(-#ours - 1) == '.' .. ours then
      return false
    end
  end
  for ours in pairs(own) do
    local name = look(ours:match('^[^.]+'), fold)
    for label in domain:gmatch('[^.]+') do
      local seen = #label <= LABEL and look(label, fold) or ''
      if #name >= SHORTEST and (seen:find(name, 1, true) or near(seen, name)) then
        return true
      end
    end
  end
  return false
end

return M
