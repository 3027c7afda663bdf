-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Runs inside Valkey, for one message: adds its recipients to the count of an account, and says what is exceeded.
-- KEYS[1]: the account's hash. ARGV: the time (seconds), the recipients, then for each window its seconds, and above how
-- many recipients to warn and to hold (0: never).
-- Returns level (0 nothing, 1 warn, 2 hold), 1 at the start of an episode, seconds of the window, its sum, its limit.
--
-- A window is twelve slots, each a field "seconds:slot" with "number of the slot since 1970, recipients"; so the hash has a
-- fixed size, and a window looks back between eleven and twelve twelfths of its length.

local SLOTS = 12
local EPISODE = 3600 -- seconds without an excess that end an episode

local now, recipients = tonumber(ARGV[1]), tonumber(ARGV[2])
local held, fields = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #held, 2 do
  fields[held[i]] = held[i + 1]
end

local level, about, longest = 0, { 0, 0, 0 }, 0
local changes = {}
for i = 3, #ARGV, 3 do
  local seconds, warn, hold = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local current = math.floor(now / (seconds / SLOTS))
  local sum, own = recipients, recipients
  for slot = 0, SLOTS - 1 do
    local number, count = string.match(fields[seconds .. ':' .. slot] or '', '^(%d+) (%d+)$')
    number, count = tonumber(number), tonumber(count)
    if number and number > current - SLOTS and number <= current then
      sum = sum + count
      if number == current then
        own = own + count
      end
    end
  end
  changes[#changes + 1] = seconds .. ':' .. (current % SLOTS)
  changes[#changes + 1] = string.format('%d %d', current, own)
  longest = math.max(longest, seconds)
  if hold > 0 and sum > hold and level < 2 then
    level, about = 2, { seconds, sum, hold }
  elseif warn > 0 and sum > warn and level < 1 then
    level, about = 1, { seconds, sum, warn }
  end
end

local begun = 0
if level > 0 then
  local name = level == 2 and 'hold' or 'warn'
  local last = tonumber(fields[name])
  if not last or last < now - EPISODE then
    begun = 1
  end
  changes[#changes + 1] = name
  changes[#changes + 1] = string.format('%d', now)
end
redis.call('HSET', KEYS[1], unpack(changes))
redis.call('EXPIRE', KEYS[1], longest * 2)
return { level, begun, about[1], about[2], about[3] }
