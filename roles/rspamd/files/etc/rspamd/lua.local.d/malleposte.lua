-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Nobody forges another's From.
--  * Authenticated mail: every address of From, Sender and their Resent- forms must be one that the logged-in user may
--    send as, by the directory entry that owns it (its uid, or a delegate's). Directory out of reach: try again later.
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
local ldap = dofile(directory .. 'ldap.lua')

local settings = rspamd_config:get_all_opt('malleposte') or {}
local own = {}
for _, domain in ipairs(settings.domains or {}) do
  own[domain:lower()] = true
end

local SENDER_FIELDS = { 'From', 'Sender', 'Resent-From', 'Resent-Sender' }
local MODULE = 'malleposte'
local MESSAGE = {
  other = "Expediteur refuse : l'adresse %s n'est pas une des votres / Sender refused: %s is not an address of yours",
  name = "Expediteur refuse : le nom affiche contient l'adresse %s, qui n'est pas une des votres / "
      .. "Sender refused: the display name holds %s, which is not an address of yours",
  unread = "Expediteur refuse : le champ %s ne peut etre lu (%s) / Sender refused: the %s field cannot be read (%s)",
  single = "Expediteur refuse : il faut un seul champ From / Sender refused: exactly one From field is needed",
  later = "Verification de l'expediteur impossible pour le moment, reessayez / "
      .. "The sender cannot be checked now, try again later",
  right = "Expediteur refuse : l'adresse %s n'est pas permise d'ici / Sender refused: %s is not allowed from here",
  below = "Message refuse : l'adresse affichee %s est d'un sous-domaine du notre, qui n'a pas autorise cet envoi / "
      .. "Refused: the From address %s is of a domain below ours, which did not authorise this message",
  forged = "Message refuse : l'expediteur affiche %s est de notre domaine mais le message n'est pas signe par lui / "
      .. "Refused: the From address %s is of our domain but the message is not signed by it",
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
  ldap.search(task, settings, owners_filter(wanted), { 'uid', 'mpDelegate', 'mailLocalAddress' }, done)
end

-- The addresses claimed by an authenticated message: {addresses}, {display-name mentions}; or nil and the refusal.
local function claims(task)
  local raw = tostring(task:get_raw_headers() or '')
  local wanted, named = {}, {}
  for _, field in ipairs(SENDER_FIELDS) do
    local headers = task:get_header_full(field) or {}
    if addresses.count_field(raw, field:lower()) ~= #headers or (field == 'From' and #headers ~= 1) then
      return nil, MESSAGE.single
    end
    for _, header in ipairs(headers) do
      local value = header.value or ''
      local list, reason = addresses.parse(value)
      if not list then
        return nil, string.format(MESSAGE.unread, field, reason, field, reason)
      end
      for _, address in ipairs(list) do
        wanted[address] = true
      end
      for _, seen in ipairs(rspamd_util.parse_mail_address(value, task:get_mempool(), 1024) or {}) do
        if seen.addr and seen.addr ~= '' then
          wanted[seen.addr:lower()] = true
        end
      end
      for _, text in ipairs({ value, header.decoded or '' }) do
        for _, address in ipairs(addresses.mentions(text, own, rspamd_util.normalize_utf8)) do
          named[address] = true
        end
      end
    end
  end
  return wanted, named
end

local function check_authenticated(task, user)
  local wanted, named = claims(task)
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
    return
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
  local wanted, named = claims(task)
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

-- Own-domain addresses that a message from outside shows as its author; and those merely named.
local function outside_claims(task)
  local author, named, below = {}, {}, nil
  local headers = task:get_header_full('From') or {}
  for _, header in ipairs(headers) do
    local value = header.value or ''
    local list = addresses.parse(value) or {}
    for _, seen in ipairs(rspamd_util.parse_mail_address(value, task:get_mempool(), 1024) or {}) do
      list[#list + 1] = (seen.addr or ''):lower()
    end
    for _, address in ipairs(list) do
      local _, domain = addresses.split(address)
      if own[domain or ''] then
        author[#author + 1] = address
      elseif domain and addresses.below(domain, own) then
        below = address
      end
    end
    for _, text in ipairs({ value, header.decoded or '' }) do
      for _, address in ipairs(addresses.mentions(text, own, rspamd_util.normalize_utf8)) do
        named[#named + 1] = address
      end
    end
  end
  local raw = tostring(task:get_raw_headers() or '')
  return author, named, #headers == addresses.count_field(raw, 'from'), below
end

local function check_outside(task)
  local author, named, plain, below = outside_claims(task)
  if #author == 0 then
    if not plain and #addresses.mentions(tostring(task:get_raw_headers() or ''), own, rspamd_util.normalize_utf8) > 0 then
      task:insert_result('MP_FROM_HIDDEN', 1.0)
    end
    if #named > 0 then
      task:insert_result('MP_NAME_IS_OURS', 1.0, named[1])
    end
    if below then
      task:cache_set('mp_below_from', below)
    end
    return
  end
  local signed = false
  for _, header in ipairs(task:get_header_full('DKIM-Signature') or {}) do
    local domain = (header.value or ''):gsub('%s', ''):lower():match('[;^]?d=([^;]+)')
    signed = signed or own[domain or ''] or false
  end
  if not signed or not plain or #(task:get_header_full('From') or {}) ~= 1 then
    return reject(task, string.format(MESSAGE.forged, author[1], author[1]))
  end
  -- A signature of ours is there: DKIM says later whether it holds (MP_OWN_SIGNATURE below).
  local _, domain = addresses.split(author[1])
  task:cache_set('mp_own_from', author[1])
  task:cache_set('mp_own_domain', domain)
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
  check_outside(task)
end

-- After DMARC, and before greylisting: it would ask who is refused to come again.
local function check_below(task)
  local address = task:cache_get('mp_below_from')
  if not address or task:has_symbol('DMARC_POLICY_ALLOW') then
    return
  elseif task:has_symbol('DMARC_DNSFAIL') or task:has_symbol('R_DKIM_TEMPFAIL') or task:has_symbol('R_SPF_DNSFAIL') then
    return postpone(task, 'what a domain below ours publishes could not be looked up')
  end
  reject(task, string.format(MESSAGE.below, address, address))
end

local function check_signature(task)
  local address = task:cache_get('mp_own_from')
  if not address or task:has_pre_result() then
    return
  end
  local domain, verdict = task:cache_get('mp_own_domain'), nil
  for _, symbol in ipairs(task:get_symbol('DKIM_TRACE') or {}) do
    for _, option in ipairs(symbol.options or {}) do
      local signer, mark = option:match('^(.+):(.)$')
      if signer and signer:lower() == domain and verdict ~= '+' then
        verdict = mark
      end
    end
  end
  if verdict == '+' then
    return
  elseif verdict == '?' then
    return postpone(task, 'our own DKIM key could not be looked up')
  end
  reject(task, string.format(MESSAGE.forged, address, address))
end

if next(own) then
  local parent = rspamd_config:register_symbol({
    name = 'MP_SENDER_CHECK',
    type = 'prefilter',
    callback = check_sender,
    flags = 'empty,nice',
    augmentations = { string.format('timeout=%f', tonumber(settings.timeout) or 3.0) },
  })
  rspamd_config:register_symbol({
    name = 'MP_BELOW_CHECK',
    type = 'normal',
    callback = check_below,
    flags = 'empty,nice',
  })
  rspamd_config:register_dependency('MP_BELOW_CHECK', 'DMARC_CHECK')
  rspamd_config:register_symbol({
    name = 'MP_OWN_SIGNATURE',
    type = 'postfilter',
    callback = check_signature,
    flags = 'empty,nice',
    priority = 9,
  })
  local scores = { MP_SENDER_FORGED = 0.0, MP_SENDER_UNCHECKED = 0.0, MP_FROM_HIDDEN = 8.0, MP_NAME_IS_OURS = 4.0 }
  for name, score in pairs(scores) do
    rspamd_config:register_symbol({ name = name, type = 'virtual', parent = parent })
    rspamd_config:set_metric_symbol({ name = name, score = score, group = 'malleposte' })
  end
end
