-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Who is known: an address outside to which one of our agents wrote in the last months. Kept in Valkey by a digest of the address,
-- written by mail after a log-in alone, so that no stranger fills it. Without Valkey everybody is known. Sets MP_UNKNOWN_SENDER on
-- mail from outside, and MP_LIKE_OURS where the domain of its author or of its answers looks like ours. The same request asks for
-- the sites to which its links lead (links.lua). Settings: section `malleposte` of rspamd.conf.local.

local hash = require "rspamd_cryptobox_hash"
local lua_redis = require "lua_redis"
local rspamd_logger = require "rspamd_logger"

local directory = rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/'
local addresses = dofile(directory .. 'addresses.lua')
local likeness = dofile(directory .. 'likeness.lua')
local names = dofile(directory .. 'names.lua')
local origin = dofile(directory .. 'origin.lua')
local sites = dofile(directory .. 'sites.lua')
local settings = rspamd_config:get_all_opt('malleposte') or {}
local own = {}
for _, domain in ipairs(settings.domains or {}) do
  own[domain:lower()] = true
end

local PREFIX = 'known:'
local SECONDS = string.format('%d', (tonumber(settings.known_days) or 180) * 86400)
local MOST = 100 -- recipients of a message that are learned
local redis = lua_redis.parse_redis_server('malleposte')

local function key(address)
  return PREFIX .. hash.create_specific('blake2', addresses.base(address) or address):hex():sub(1, 32)
end

-- Keeps for links.lua which sites are known, and what is to be noted of which.
local function remember(task, hosts, names, values)
  local now = os.time()
  local seen = { now = now, known = {}, new = {}, again = {}, start = type(values[2]) == 'string' and values[2] or nil }
  for place, host in ipairs(hosts) do
    local known, value, seconds = sites.judge(values[place + 2], now)
    if known then
      seen.known[#seen.known + 1] = host
    end
    if value then
      local list = known and seen.again or seen.new
      list[#list + 1] = { key = names[place + 2], value = value, seconds = seconds }
    end
  end
  task:cache_set('mp_sites', seen)
end

local function look(task)
  if not origin.is_outside(task, settings) then
    return
  end
  for _, field in ipairs({ 'From', 'Reply-To' }) do
    for _, one in ipairs(addresses.parse(task:get_header(field) or '') or {}) do
      local _, domain = addresses.split(one)
      if domain and likeness.like(domain, own, names.fold) then
        task:insert_result('MP_LIKE_OURS', 1.0, domain)
      end
    end
  end
  local from = task:get_from('mime')
  local address = from and #from == 1 and from[1].addr and from[1].addr:lower() or ''
  -- Without an address nobody is asked for, and nobody is known.
  local hosts, names = sites.plain(sites.hosts(task, sites.MOST)), { key(address), sites.START }
  for place, host in ipairs(hosts) do
    names[place + 2] = sites.key(host)
  end
  lua_redis.redis_make_request(task, redis, names[1], false, function(err, values)
    if err then
      return rspamd_logger.errx(task, 'contacts: cannot look up a sender: %s', err)
    end
    if address == '' or type(values[1]) ~= 'string' then
      task:insert_result('MP_UNKNOWN_SENDER', 1.0)
    end
    remember(task, hosts, names, values)
  end, 'MGET', names)
end

local function learn(task)
  local user, action = task:get_user(), task:get_metric_action()
  if not user or user == '' or action == 'reject' or action == 'discard' or task:has_symbol('MP_OUTBOUND_HOLD') then
    return
  end
  for place, one in ipairs(task:get_recipients('smtp') or {}) do
    local address = (one.addr or ''):lower()
    local _, domain = addresses.split(address)
    if place <= MOST and domain and not own[domain] then
      local name = key(address)
      lua_redis.redis_make_request(task, redis, name, true, function(err)
        if err then
          rspamd_logger.errx(task, 'contacts: cannot learn a recipient: %s', err)
        end
      end, 'SETEX', { name, SECONDS, '1' })
    end
  end
end

if redis and next(own) then
  local id = rspamd_config:register_symbol({ name = 'MP_CONTACTS', type = 'normal', callback = look, flags = 'empty,nice' })
  for _, name in ipairs({ 'MP_UNKNOWN_SENDER', 'MP_LIKE_OURS' }) do
    rspamd_config:register_symbol({ name = name, type = 'virtual', parent = id })
    rspamd_config:set_metric_symbol({ name = name, score = 0.0, group = 'malleposte' })
  end
  rspamd_config:register_symbol({
    name = 'MP_CONTACTS_LEARN', type = 'idempotent', callback = learn, flags = 'empty,explicit_disable', priority = 1,
  })
end
