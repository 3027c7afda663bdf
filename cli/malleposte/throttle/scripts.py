"""The scripts that count in Valkey, each in one step, by Valkey's own clock."""

# KEYS: 1 index of the account, 2 clients by which it is known, 3 clients that are known in this network, 4 proofs of
# strangers, 5 proofs of known clients, 6 line of the client, 7 line of an address that was admitted, 8 line of the
# network, and for IPv6 9 the line of the wider network. ARGV begins with: name of the client, seconds that a client is
# known, seconds that a line is kept, the widest network, seconds in which slapd counts failures, a word that no other
# call has.
#
# Fields of a line: n (different passwords so far), next (when one more may be tried), d:DIGEST ("p" and how many proofs
# are under way, or "f" and when it failed).
# Proofs are a sorted set for all networks together, by the time at which they began, or from then on at which they
# failed: "p:NETWORK:CLIENT:DIGEST:WORD" or "f:NETWORK:WORD". So none leaves the window before slapd's own failure
# leaves slapd's.
LINES = """
local clock = redis.call('TIME')
local now = tonumber(clock[1])
local instant = now + tonumber(clock[2]) / 1000000
local seen = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
local known = seen > 0 and seen + tonumber(ARGV[2]) > now
local lines = {}
if known then
  lines = {KEYS[6]}
elseif tonumber(redis.call('HGET', KEYS[7], 'admitted') or '0') + tonumber(ARGV[3]) > now then
  known, lines = true, {KEYS[7]}
else
  for i = 8, #KEYS do lines[#lines + 1] = KEYS[i] end
end
local function keep(line)
  redis.call('EXPIRE', line, ARGV[3])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), line)
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
local function ended(digest, failed)
  local mine = 'p:' .. ARGV[4] .. ':' .. ARGV[1] .. ':' .. digest .. ':'
  for _, proofs in ipairs({KEYS[4], KEYS[5]}) do
    for _, one in ipairs(redis.call('ZRANGE', proofs, 0, -1)) do
      if string.sub(one, 1, #mine) == mine then
        redis.call('ZREM', proofs, one)
        if failed then redis.call('ZADD', proofs, instant, 'f:' .. ARGV[4] .. ':' .. ARGV[6]) end
        return
      end
    end
  end
end
local function note(clients, most)
  if redis.call('HLEN', clients) >= most and not redis.call('HGET', clients, ARGV[1]) then
    local held = redis.call('HGETALL', clients)
    local last = 1
    for i = 3, #held, 2 do if tonumber(held[i + 1]) < tonumber(held[last + 1]) then last = i end end
    redis.call('HDEL', clients, held[last])
  end
  redis.call('HSET', clients, ARGV[1], now)
  redis.call('EXPIRE', clients, ARGV[2])
end
"""
# One try. ARGV further: digest, free, free of the wider network, base, most, together, whether to prove again what is
# known to be wrong, proofs of strangers and of known clients (0: any number). Returns the seconds to wait, below zero
# for a password that is known to be wrong. Looks at everything before it counts anywhere.
ATTEMPT = (
    LINES
    + """
local mark, base, most = 'd:' .. ARGV[7], tonumber(ARGV[10]), tonumber(ARGV[11])
local window = tonumber(ARGV[5])
local wait = 0
for _, line in ipairs(lines) do
  local held = redis.call('HGET', line, mark)
  if held then
    local value = tonumber(string.sub(held, 2))
    if string.sub(held, 1, 1) == 'f' then
      if value + window > now and ARGV[13] == '0' then return now - value - window end
    elseif value >= tonumber(ARGV[12]) then
      return 1
    end
  else
    wait = math.max(wait, tonumber(redis.call('HGET', line, 'next') or '0') - now)
  end
end
if wait > 0 then return wait end
local proofs, all = KEYS[4], tonumber(ARGV[14])
if known then proofs, all = KEYS[5], tonumber(ARGV[15]) end
if all > 0 then
  redis.call('ZREMRANGEBYSCORE', proofs, '-inf', instant - window)
  local held = redis.call('ZRANGE', proofs, 0, -1, 'WITHSCORES')
  local here, first = 0, nil
  for i = 1, #held, 2 do
    if string.sub(held[i], 3, 2 + #ARGV[4]) == ARGV[4] then
      here, first = here + 1, first or tonumber(held[i + 1])
    end
  end
  if #held / 2 >= all then first = tonumber(held[2]) elseif here < math.ceil(all / 2) then first = nil end
  if first then return math.max(1, math.ceil(first + window - instant)) end
  redis.call('ZADD', proofs, instant, 'p:' .. ARGV[4] .. ':' .. ARGV[1] .. ':' .. ARGV[7] .. ':' .. ARGV[6])
  redis.call('EXPIRE', proofs, ARGV[3])
end
for i, line in ipairs(lines) do
  local held = redis.call('HGET', line, mark)
  if held then
    local under = string.sub(held, 1, 1) == 'p' and tonumber(string.sub(held, 2)) or 0
    redis.call('HSET', line, mark, 'p' .. (under + 1))
  else
    local n = tonumber(redis.call('HGET', line, 'n') or '0') + 1
    local free = tonumber(ARGV[i == 2 and 9 or 8])
    local delay = 0
    if n >= free then delay = math.min(most, base * 2 ^ math.min(n - free, 30)) end
    redis.call('HSET', line, 'n', n, 'next', now + delay, mark, 'p1')
    keep(line)
  end
end
return 0
"""
)
# The password was wrong. ARGV further: digest.
FAILED = (
    LINES
    + """
ended(ARGV[7], true)
for _, line in ipairs(lines) do
  redis.call('HSET', line, 'd:' .. ARGV[7], 'f' .. now)
  keep(line)
end
return 0
"""
)
# slapd was not asked for the password. ARGV further: digest.
UNPROVED = (
    LINES
    + """
ended(ARGV[7], false)
return 0
"""
)
# Nobody could tell: the try was none, unless it is known to be wrong. ARGV further: digest.
UNDO = (
    LINES
    + """
ended(ARGV[7], false)
local mark = 'd:' .. ARGV[7]
for _, line in ipairs(lines) do
  local held = redis.call('HGET', line, mark)
  if held and string.sub(held, 1, 1) == 'p' then
    redis.call('HDEL', line, mark)
    if redis.call('HINCRBY', line, 'n', -1) <= 0 then redis.call('DEL', line) end
  end
end
return 0
"""
)
# The password was right: this client starts afresh, and is known from now on; one that was not, with its network. Of
# too many clients, the one that succeeded longest ago is forgotten: a browser that keeps no cookie is a new one each
# time. The address no longer counts as one that failed on this account: on the first day a whole school mistypes its
# codes.
# ARGV further: digest, how many clients are remembered, accounts on which the address failed, the account.
SUCCEEDED = (
    LINES
    + """
ended(ARGV[7], false)
local since = lines[1] == KEYS[7] and redis.call('HGET', KEYS[7], 'admitted')
for _, line in ipairs(lines) do redis.call('DEL', line) end
if since then
  redis.call('HSET', KEYS[7], 'admitted', since)
  redis.call('EXPIRE', KEYS[7], ARGV[3])
end
note(KEYS[2], tonumber(ARGV[8]))
if KEYS[3] ~= KEYS[2] then note(KEYS[3], tonumber(ARGV[8])) end
redis.call('ZREM', ARGV[9], ARGV[10])
return 0
"""
)
# The owner has chosen a password at an address: for as long as a line is kept, what comes from there is known.
ADMIT = (
    LINES
    + """
redis.call('HSET', KEYS[7], 'admitted', now)
keep(KEYS[7])
return 0
"""
)
# Whether the client is known.
KNOWN = (
    LINES
    + """
return known and 1 or 0
"""
)
# An address failed on an account. KEYS: accounts of the address, addresses to ban, and the lists of clients that are
# known of the account in the network. ARGV: the account, seconds, how many accounts are too many, the address, how long
# it is told. Returns their number once it is reached, then counts afresh.
GUESSED = """
for i = 3, #KEYS do if redis.call('EXISTS', KEYS[i]) == 1 then return 0 end end
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[1], ARGV[2])
local count = redis.call('ZCARD', KEYS[1])
if count < tonumber(ARGV[3]) then return 0 end
redis.call('DEL', KEYS[1])
local clock = redis.call('TIME')
redis.call('ZADD', KEYS[2], clock[1] .. '.' .. string.format('%06d', clock[2]), ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[5]))
redis.call('EXPIRE', KEYS[2], ARGV[5])
return count
"""
# An account starts afresh everywhere, but for the proofs that slapd may still be asked for. KEYS: its index.
FORGET = """
for _, line in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('UNLINK', line) end
return redis.call('UNLINK', KEYS[1])
"""
# Whether something is said for the first time. KEYS: it. ARGV: seconds for which it is remembered.
ONCE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'at', redis.call('TIME')[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""
# Whether a place is new to an account that has known ones. KEYS: the account's places. ARGV: the place, seconds for
# which it is known, how many are remembered.
PLACE = """
local now = tonumber(redis.call('TIME')[1])
local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') + tonumber(ARGV[2]) > now
local others = redis.call('HLEN', KEYS[1])
if others >= tonumber(ARGV[3]) and not known then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], ARGV[1], now)
redis.call('EXPIRE', KEYS[1], ARGV[2])
if known or others == 0 then return 0 end
return 1
"""
