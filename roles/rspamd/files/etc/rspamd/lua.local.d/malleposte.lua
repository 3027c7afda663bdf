-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Nobody forges another's From.
--  * Authenticated mail: every address of From, Sender and their Resent- forms must be one that the logged-in user may
--    send as, by the directory entry that owns it (its uid, or a delegate's), and no name shown beside it another agent's.
--    Directory out of reach: try again later.
--  * Mail without a log-in of the platform itself: only the authors that its way in (the milter's macro {daemon_name}) or
--    its host has a right to. A user of this host at port 25 is outside.
--  * Mail from outside: a From of one of our domains needs a valid DKIM signature of that domain, whatever DNS says
--    of our DMARC policy. A From of a domain below one of ours needs to pass DMARC.
-- Settings: section `malleposte` of rspamd.conf.local.

local rspamd_logger = require "rspamd_logger"
local rspamd_util = require "rspamd_util"

local directory = rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/'
local ber = dofile(directory .. 'ber.lua')
local addresses = dofile(directory .. 'addresses.lua')
local claims = dofile(directory .. 'claims.lua')
local ldap = dofile(directory .. 'ldap.lua')
local names = dofile(directory .. 'names.lua')
local outside = dofile(directory .. 'outside.lua')
local readings = dofile(directory .. 'readings.lua')

local settings = rspamd_config:get_all_opt('malleposte') or {}
local own = {}
for _, domain in ipairs(settings.domains or {}) do
  own[domain:lower()] = true
end

local MODULE = 'malleposte'
local MESSAGE = {
  other = "Expediteur refuse : l'adresse %s n'est pas une des votres / Sender refused: %s is not an address of yours",
  name = "Expediteur refuse : le nom affiche contient l'adresse %s, qui n'est pas une des votres / "
      .. "Sender refused: the display name holds %s, which is not an address of yours",
  person = "Expediteur refuse : le nom affiche %s est celui d'un autre agent / "
      .. "Sender refused: the display name %s is another agent's",
  unread = "Expediteur refuse : le champ %s ne peut etre lu (%s) / Sender refused: the %s field cannot be read (%s)",
  single = "Expediteur refuse : il faut un seul champ From / Sender refused: exactly one From field is needed",
  later = "Verification de l'expediteur impossible pour le moment, reessayez / "
      .. "The sender cannot be checked now, try again later",
  right = "Expediteur refuse : l'adresse %s n'est pas permise d'ici / Sender refused: %s is not allowed from here",
}

local function reject(task, message)
  task:insert_result('MP_SENDER_FORGED', 1.0)
  task:set_pre_result('reject', message, MODULE)
end

local function postpone(task, reason)
  rspamd_logger.errx(task, 'sender check: %s', reason)
  task:insert_result('MP_SENDER_UNCHECKED', 1.0, reason)
  task:set_pre_result('soft reject', MESSAGE.later, MODULE)
end

outside.use(own, reject, postpone)

-- Grants of the last seconds, by worker: "user\0address" -> time until which it stands. Refusals are never kept.
local granted, granted_count = {}, 0

local function is_granted(user, address)
  local until_when = granted[user .. '\0' .. address]
  return until_when ~= nil and until_when > rspamd_util.get_time()
end

local function grant(user, address)
  if granted_count >= 5000 then
    granted, granted_count = {}, 0
  end
  granted[user .. '\0' .. address] = rspamd_util.get_time() + (tonumber(settings.cache_seconds) or 30)
  granted_count = granted_count + 1
end

local function holds(values, wanted)
  for _, value in ipairs(values or {}) do
    if value:lower() == wanted then
      return true
    end
  end
  return false
end

-- May `user` send as `address`, given the entries found for it?
local function permitted(entries, user, address)
  local base = addresses.base(address)
  for _, entry in ipairs(entries) do
    local a = entry.attributes
    local owned = holds(a.maillocaladdress, address) or (base and holds(a.maillocaladdress, base))
    if owned and (holds(a.uid, user) or holds(a.mpdelegate, user)) then
      return true
    end
  end
  return false
end

local function owners_filter(wanted)
  local matches = {}
  for _, address in ipairs(wanted) do
    matches[#matches + 1] = ber.equal('mailLocalAddress', address)
    local base = addresses.base(address)
    if base then
      matches[#matches + 1] = ber.equal('mailLocalAddress', base)
    end
  end
  -- Nobody sends as who is gone, or as who sends nothing for a while after a block.
  local barred = { ber.equal('mpState', 'suspended'), ber.equal('mpState', 'blocked'), ber.present('mpBlockedUntil') }
  return ber.all({ ber.any(matches), ber.negate(ber.any(barred)) })
end

-- Asks the directory for the owners of `wanted`; calls done(entries) or done(nil, reason) once.
local function find_owners(task, wanted, done)
  ldap.search(task, settings, owners_filter(wanted), { 'uid', 'cn', 'mpDelegate', 'mailLocalAddress' }, done)
end

-- Whether one of the entries gives `user` the name (a key of names.lua), and whether it is an agent's at all.
local function bearers(entries, user, key)
  local own_name, of_others = false, false
  for _, entry in ipairs(entries) do
    local a = entry.attributes
    for _, name in ipairs(a.cn or {}) do
      if names.key(name) == key then
        own_name = own_name or holds(a.uid, user) or holds(a.mpdelegate, user)
        of_others = of_others or entry.dn:lower():find(',ou=people,', 1, true) ~= nil
      end
    end
  end
  return own_name, of_others
end

-- The names that readers may take the shown `texts` for: key -> the text.
local function shown_names(texts)
  local found = {}
  for _, text in ipairs(texts) do
    for _, part in ipairs(names.parts(text)) do
      for _, look in ipairs(readings.looks(part, claims.TOOLS)) do
        local key = names.key(look)
        if key then
          found[key] = look
        end
      end
    end
  end
  return found
end

-- Refuses a name of another agent; `entries` are those of the addresses, in which the sender's own name mostly is.
local function check_names(task, user, texts, entries)
  local filters, asked, count = {}, {}, 0
  for key, text in pairs(shown_names(texts)) do
    if not is_granted(user, 'name ' .. key) and not bearers(entries, user, key) then
      local full, locals = names.entries(text)
      for _, name in ipairs(full) do
        filters[#filters + 1] = ber.equal('cn', name)
      end
      for domain in pairs(own) do
        for _, name in ipairs(locals) do
          filters[#filters + 1] = ber.equal('mailLocalAddress', name .. '@' .. domain)
        end
      end
      asked[key], count = text, count + 1
    end
  end
  if #filters == 0 then
    return
  elseif count > 3 * addresses.MAX_ADDRESSES then
    return reject(task, string.format(MESSAGE.unread, 'From', 'too many names', 'From', 'too many names'))
  end
  filters[#filters + 1] = ber.equal('uid', user)
  ldap.search(task, settings, ber.any(filters), { 'uid', 'cn', 'mpDelegate' }, function(bearing, reason)
    if not bearing then
      return postpone(task, reason)
    end
    for key, text in pairs(asked) do
      local own_name, of_others = bearers(bearing, user, key)
      if of_others and not own_name then
        local shown = names.fold(text):gsub('[^%w%.%-_ ]', '?')
        return reject(task, string.format(MESSAGE.person, shown, shown))
      end
      grant(user, 'name ' .. key)
    end
  end)
end

-- The claims of a message that must name its author by right: { addresses }, { addresses that are named }, { names }; or nil
-- and the refusal.
local function claimed(task)
  local wanted, named, texts = {}, {}, {}
  for _, field in ipairs(claims.SENDERS) do
    local claim = claims.read(task, field, own)
    if not claim.plain or (field == 'From' and claim.count ~= 1) then
      return nil, MESSAGE.single
    elseif claim.unread then
      return nil, string.format(MESSAGE.unread, field, claim.unread, field, claim.unread)
    end
    for address in pairs(claim.addresses) do
      wanted[address] = true
    end
    for address in pairs(claim.named) do
      named[address] = true
    end
    for _, text in ipairs(claim.names) do
      texts[#texts + 1] = text
    end
  end
  for _, field in ipairs(claims.REPLIES) do
    local claim = claims.read(task, field, own)
    if claim.ours then
      return nil, string.format(MESSAGE.unread, field, claim.unread, field, claim.unread)
    end
  end
  return wanted, named, texts
end

local function check_authenticated(task, user)
  local wanted, named, texts = claimed(task)
  if not wanted then
    return reject(task, named)
  end
  local ask, asked = {}, {}
  local function want(address, template)
    local _, domain = addresses.split(address)
    if not own[domain or ''] then
      if settings.allow_external then
        return true
      end
      reject(task, string.format(MESSAGE.other, address, address))
      return false
    end
    if not asked[address] and not is_granted(user, address) then
      asked[address] = template
      ask[#ask + 1] = address
    end
    return true
  end
  for address in pairs(wanted) do
    if not want(address, MESSAGE.other) then
      return
    end
  end
  for address in pairs(named) do
    want(address, MESSAGE.name)
  end
  if #ask == 0 then
    return check_names(task, user, texts, {})
  end
  if #ask > addresses.MAX_ADDRESSES then
    return reject(task, string.format(MESSAGE.unread, 'From', 'too many', 'From', 'too many'))
  end
  find_owners(task, ask, function(entries, reason)
    if not entries then
      return postpone(task, reason)
    end
    for _, address in ipairs(ask) do
      if not permitted(entries, user, address) then
        return reject(task, string.format(asked[address], address, address))
      end
    end
    for _, address in ipairs(ask) do
      grant(user, address)
    end
    check_names(task, user, texts, entries)
  end)
end

-- Does one of `senders` (addresses, "@domain", "*") cover the address?
local function covered(senders, address)
  local _, domain = addresses.split(address)
  local base = addresses.base(address)
  for _, one in ipairs(senders) do
    if one == '*' or one == address or one == base or (domain and one == '@' .. domain) then
      return true
    end
  end
  return false
end

local function check_right(task, senders)
  if senders[1] == '*' then
    return
  end
  local wanted, named = claimed(task)
  if not wanted then
    return reject(task, named)
  end
  for _, group in ipairs({ wanted, named }) do
    for address in pairs(group) do
      if not covered(senders, address) then
        return reject(task, string.format(MESSAGE.right, address, address))
      end
    end
  end
end

local function check_sender(task)
  local user = task:get_user()
  if user and user ~= '' then
    return check_authenticated(task, user:lower())
  end
  local way = task:get_request_header('MTA-Name')
  local ip = task:get_ip()
  local senders = way and (settings.ways or {})[tostring(way)]
      or ip and ip:is_valid() and (settings.hosts or {})[tostring(ip)]
  if senders then
    return check_right(task, senders)
  end
  outside.check(task)
end

if next(own) then
  local parent = rspamd_config:register_symbol({
    name = 'MP_SENDER_CHECK',
    type = 'prefilter',
    -- Before greylisting, which would ask for it once more.
    priority = 9,
    callback = check_sender,
    flags = 'empty,nice',
    augmentations = { string.format('timeout=%f', tonumber(settings.timeout) or 3.0) },
  })
  outside.register()
  local scores = { MP_SENDER_FORGED = 0.0, MP_SENDER_UNCHECKED = 0.0, MP_FROM_UNREADABLE = 2.0, MP_NAME_IS_OURS = 4.0 }
  for name, score in pairs(scores) do
    rspamd_config:register_symbol({ name = name, type = 'virtual', parent = parent })
    rspamd_config:set_metric_symbol({ name = name, score = score, group = 'malleposte' })
  end
end
