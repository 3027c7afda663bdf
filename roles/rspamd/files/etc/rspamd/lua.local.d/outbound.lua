-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- How many recipients an account may write to. Counted by account in Valkey, from wherever its mail comes:
--  * who is logged in (mail programs, webmails): by the log-in; what is sent as a box of a function, by the box;
--  * what our own host sends under an agent's address (filters: redirections, answers of absence): by that agent;
--  * what an agent's filter refuses (Sieve's reject), which Dovecot tells the sender as postmaster: by that agent.
-- Not counted: what programs of the platform send under the address of an office.
-- Beyond the limit, what a person sends is held in Postfix's queue until an operator looks at it; what a filter sends is
-- refused, and Dovecot then keeps the message in the inbox. Somebody is told, once an episode.
-- Without Valkey or the directory nothing is counted and mail flows. Settings: section `malleposte` of rspamd.conf.local.

local lua_redis = require "lua_redis"
local rspamd_logger = require "rspamd_logger"
local rspamd_tcp = require "rspamd_tcp"
local rspamd_util = require "rspamd_util"

local directory = rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/'
local ber = dofile(directory .. 'ber.lua')
local addresses = dofile(directory .. 'addresses.lua')
local ldap = dofile(directory .. 'ldap.lua')

local MODULE = 'outbound'
local PREFIX = 'outbound:'
local KNOWN_FOR = 300 -- seconds for which the account of an address is remembered
local REFUSED = '5.7.1 Trop de destinataires : le filtre de ce compte ne redirige plus rien pour le moment / '
    .. "Too many recipients: this account's filter forwards nothing for now"

local LATER = '4.7.1 Trop de destinataires : le filtre de ce compte ne refuse plus rien pour le moment / '
    .. "Too many recipients: this account's filter refuses nothing for now"

local settings = rspamd_config:get_all_opt('malleposte') or {}
local outbound = settings.outbound or {}
local windows = outbound.windows or {}
local own = {}
for _, domain in ipairs(settings.domains or {}) do
  own[domain:lower()] = true
end

-- The windows of an account, as the script takes them: seconds, warn, hold, one after the other.
local function windows_of(account, class)
  local text = (outbound.accounts or {})[account] or windows[class] or windows.default or ''
  local list = {}
  for number in text:gmatch('%d+') do
    list[#list + 1] = number
  end
  return list
end

-- What was found of late: "user\0address\0owner" -> { time until which it stands, account, class }.
local known, known_count = {}, 0

local function remember(name, account, class)
  if known_count >= 5000 then
    known, known_count = {}, 0
  end
  known[name] = { rspamd_util.get_time() + KNOWN_FOR, account, class }
  known_count = known_count + 1
end

local function first(values)
  return values and values[1] and values[1]:lower() or nil
end

local function owns(attributes, address)
  for _, name in ipairs({ 'maillocaladdress', 'mail' }) do
    for _, value in ipairs(attributes[name] or {}) do
      if value:lower() == address then
        return true
      end
    end
  end
  return false
end

-- The account that a message counts for, among what the directory has of a log-in, an address and an owner of a filter (a
-- uid), each of them or none.
local function choose(entries, user, address, owner)
  local base = address and addresses.base(address)
  local sender, person
  for _, entry in ipairs(entries) do
    local a, box = entry.attributes, entry.dn:lower():find(',ou=functional,', 1, true)
    local found = { account = first(a.uid), class = box and 'functional' or first(a.mpprofile) or '' }
    if owner and found.account == owner then
      return found
    end
    if address and (owns(a, address) or (base and owns(a, base))) and (box or not sender) then
      sender = found
    end
    if user and not box and found.account == user then
      person = found
    end
  end
  if user and not (sender and sender.class == 'functional') then
    return person or { account = user, class = '' }
  end
  return sender
end

local function account_of(task, user, address, owner, done)
  local name = (user or '') .. '\0' .. (address or '') .. '\0' .. (owner or '')
  local found = known[name]
  if found and found[1] > rspamd_util.get_time() then
    return done(found[2], found[3])
  end
  local filters = {}
  for _, one in ipairs({ address or false, address and addresses.base(address) or false }) do
    if one then
      filters[#filters + 1] = ber.equal('mailLocalAddress', one)
      filters[#filters + 1] = ber.equal('mail', one)
    end
  end
  for _, uid in ipairs({ user or false, owner or false }) do
    if uid then
      filters[#filters + 1] = ber.equal('uid', uid)
    end
  end
  ldap.search(task, settings, ber.any(filters), { 'uid', 'mail', 'mailLocalAddress', 'mpProfile' },
    function(entries, reason)
      if not entries then
        return rspamd_logger.errx(task, 'outbound limits: not counted: %s', reason)
      end
      local one = choose(entries, user, address, owner) or {}
      remember(name, one.account, one.class)
      done(one.account, one.class)
    end)
end

local function own_address(address)
  address = (address or ''):lower()
  local _, domain = addresses.split(address)
  return own[domain or ''] and address or nil
end

-- Whose filter refused a message, as Dovecot's notice says (RFC 8098, 3.2.4): the uid, which stands before the domain of the
-- deliveries. A notice of a stranger that a filter redirects is none: it bears who redirects it.
local function refused_by(task)
  local from = task:get_from('smtp')
  if (from and from[1] and from[1].addr or '') ~= '' or task:get_header('X-Sieve-Redirected-From') then
    return nil
  end
  if not (task:get_header('Auto-Submitted') or ''):lower():find('auto-replied', 1, true) then
    return nil
  end
  for _, part in ipairs(task:get_parts() or {}) do
    local kind, form = part:get_type()
    if kind == 'message' and form == 'disposition-notification' then
      return tostring(part:get_content()):lower():match('final%-recipient:%s*rfc822;%s*<?([^%s<>]+)@[^%s<>@]+')
    end
  end
  return nil
end

-- Under which address of ours our own host sends this: its envelope, or for what has none (an answer of absence, a notice
-- that is redirected) what Dovecot wrote into it.
local function local_sender(task)
  local from = task:get_from('smtp')
  local envelope = from and from[1] and from[1].addr or ''
  if envelope ~= '' then
    return own_address(envelope)
  end
  local named = task:get_header('X-Sieve-Redirected-From')
  if named then
    return own_address((named:gsub('[<>%s]', '')))
  end
  local author = task:get_from('mime')
  return own_address(author and author[1] and author[1].addr)
end

-- A program of the platform hands it over under the address of an office, such as a convocation: no filter is behind it, and what
-- is refused would be lost. Dovecot names whose filter redirects in each message, and marks other answers of filters
-- otherwise (RFC 3834, 5; RFC 5436, 2.7.1); what it sends has no field of an agent's choice but in what is redirected.
local function of_program(task)
  local from = task:get_from('smtp')
  return (from and from[1] and from[1].addr or '') ~= '' and not task:get_header('X-Sieve-Redirected-From')
    and (task:get_header('Auto-Submitted') or ''):lower() == 'auto-generated'
end

local function count_recipients(task)
  local seen, count = {}, 0
  for _, one in ipairs(task:get_recipients('smtp') or {}) do
    local address = (one.addr or ''):lower()
    if not seen[address] then
      seen[address], count = true, count + 1
    end
  end
  return count
end

local redis_params = lua_redis.parse_redis_server(MODULE)
local script = redis_params and lua_redis.load_redis_script_from_file(directory .. 'outbound_count.lua', redis_params, '')

-- Somebody is told. What cannot be told now is told with the next message.
local function tell(task, key, told)
  if (outbound.alarm or '') == '' then
    return
  end
  local ev_base = task:get_ev_base()
  local function failed(err)
    rspamd_logger.errx(rspamd_config, 'outbound limits: nobody was told of %s: %s', told.account, err)
    lua_redis.redis_make_request_taskless(ev_base, rspamd_config, redis_params, key, true, function() end, 'HDEL',
      { key, told.level })
  end
  -- Not of the task: see record.lua.
  local started = rspamd_tcp.request({
    ev_base = ev_base,
    config = rspamd_config,
    host = outbound.alarm,
    port = 0,
    timeout = 2.0,
    read = false,
    data = { require("ucl").to_format(told, 'json-compact') .. '\n' },
    callback = function(err)
      if err then
        failed(tostring(err))
      end
    end,
  })
  if not started then
    failed('cannot connect to ' .. tostring(outbound.alarm))
  end
end

local function judge(task, user, owner, account, class, recipients)
  local list = windows_of(account, class)
  if #list == 0 then
    return
  end
  local key = PREFIX .. account
  local arguments = { tostring(math.floor(rspamd_util.get_time())), tostring(recipients) }
  for _, number in ipairs(list) do
    arguments[#arguments + 1] = number
  end
  local function counted(err, answer)
    if err then
      return rspamd_logger.errx(task, 'outbound limits: not counted for %s: %s', account, err)
    end
    local level, begun = tonumber(answer[1]), tonumber(answer[2]) == 1
    local seconds, sum, limit = tonumber(answer[3]), tonumber(answer[4]), tonumber(answer[5])
    if level == 0 then
      return
    end
    local word = level == 2 and 'hold' or 'warn'
    local text = string.format('%s wrote to %d recipients in %d s, limit %d', account, sum, seconds, limit)
    task:insert_result(level == 2 and 'MP_OUTBOUND_HOLD' or 'MP_OUTBOUND_WARN', 1.0, text)
    if level == 2 and user then
      -- Postfix holds what bears this field of ours (milter_header_checks); nobody else can write it in that place.
      task:set_milter_reply({ add_headers = { [outbound.hold_header] = { value = 'yes', order = -1 } } })
    elseif level == 2 and owner then
      -- A notice that is refused for good is forgotten, and the message with it; one that is put off leaves it in the inbox.
      task:set_pre_result('soft reject', LATER, MODULE)
    elseif level == 2 then
      task:set_pre_result('reject', REFUSED, MODULE)
    end
    if begun then
      rspamd_logger.messagex(task, 'outbound limits: %s: %s', word, text)
      tell(task, key, { account = account, user = user or '', class = class, level = word, sum = sum, limit = limit,
        seconds = seconds })
    end
  end
  lua_redis.exec_redis_script(script, { task = task, is_write = true, key = key }, counted, { key }, arguments)
end

local function check(task)
  local user = (task:get_user() or ''):lower()
  user = user ~= '' and user or nil
  local ip = task:get_ip()
  if not user and not (ip and ip:is_valid() and ip:is_local()) then
    return
  end
  local action = task:get_metric_action()
  if action == 'reject' or action == 'soft reject' or action == 'discard' then
    return
  end
  if not user and of_program(task) then
    return
  end
  local from = task:get_from('smtp')
  local owner = not user and refused_by(task) or nil
  local address = user and own_address(from and from[1] and from[1].addr) or (not user and local_sender(task)) or nil
  address = not owner and address or nil
  if not user and not address and not owner then
    return
  end
  local recipients = count_recipients(task)
  if recipients == 0 then
    return
  end
  account_of(task, user, address, owner, function(account, class)
    if account then
      judge(task, user, owner, account, class, recipients)
    end
  end)
end

if script and next(windows) then
  local parent = rspamd_config:register_symbol({
    name = 'MP_OUTBOUND_CHECK',
    type = 'postfilter',
    callback = check,
    flags = 'empty,nice',
    priority = 8,
    augmentations = { string.format('timeout=%f', (tonumber(settings.timeout) or 3.0) + 4.0) },
  })
  for _, name in ipairs({ 'MP_OUTBOUND_HOLD', 'MP_OUTBOUND_WARN' }) do
    rspamd_config:register_symbol({ name = name, type = 'virtual', parent = parent })
    rspamd_config:set_metric_symbol({ name = name, score = 0.0, group = 'malleposte' })
  end
end
