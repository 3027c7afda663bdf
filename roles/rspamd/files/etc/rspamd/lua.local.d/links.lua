-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Tells the webmails, in a header of our own, which of the sites that a message from outside links to were seen before; they ask the
-- reader before a link leads to any other. What the sender wrote under that name is removed (milter_headers.conf). A browser may read
-- a link otherwise than the filter: what stands here is known, and all else is asked about. contacts.lua has looked the sites up.
-- Sites are noted from mail that is delivered as honest. Settings: section `malleposte` of rspamd.conf.local.

local lua_redis = require "lua_redis"
local rspamd_logger = require "rspamd_logger"

local sites = dofile(rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/sites.lua')
local settings = rspamd_config:get_all_opt('malleposte') or {}
local links = settings.links or {}
local header, days, most = links.header, tonumber(links.learning_days), tonumber(links.new_a_day)
local redis = lua_redis.parse_redis_server('malleposte')

local function write(task, key, arguments, command, done)
  lua_redis.redis_make_request(task, redis, key, true, function(err, data)
    if err then
      rspamd_logger.errx(task, 'links: cannot note a site: %s', err)
    elseif done then
      done(data)
    end
  end, command, arguments)
end

local function note(task, seen)
  if not seen.start then
    write(task, sites.START, { sites.START, tostring(seen.now), 'NX' }, 'SET')
  end
  for _, one in ipairs(seen.again) do
    write(task, one.key, { one.key, one.value, 'EX', tostring(one.seconds), 'XX' }, 'SET')
  end
  if #seen.new == 0 then
    return
  end
  local network, count = sites.network(task), #seen.new
  write(task, network, { network, tostring(count) }, 'INCRBY', function(total)
    if total == count then
      write(task, network, { network, '86400' }, 'EXPIRE')
    end
    for place, one in ipairs(seen.new) do
      if total - count + place <= most then
        write(task, one.key, { one.key, one.value, 'EX', tostring(one.seconds), 'NX' }, 'SET')
      end
    end
  end)
end

if redis and header then
  rspamd_config:register_symbol({
    name = 'MP_LINKS',
    type = 'idempotent',
    flags = 'empty,explicit_disable,ignore_passthrough',
    priority = 10,
    callback = function(task)
      local seen = task:cache_get('mp_sites')
      if not seen then
        return
      end
      if sites.begun(seen.start, seen.now, days) then
        local known = #seen.known > 0 and table.concat(seen.known, ' ') or '-'
        task:set_milter_reply({
          remove_headers = { [header] = 0 },
          add_headers = { [header] = { value = known, order = -1 } },
        })
      end
      if task:get_metric_action() == 'no action' then
        note(task, seen)
      end
    end,
  })
end
