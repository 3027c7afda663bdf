-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- One look-up in the directory for a message, by rspamd's own asynchronous TCP client.

local rspamd_tcp = require "rspamd_tcp"

local ber = dofile(rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/ber.lua')

local M = {}

-- Searches below the base of `settings` (host, port, tls, base, bind_dn, bind_password, timeout); calls done(entries) or
-- done(nil, reason) once. `filter` comes from ber.lua.
function M.search(task, settings, filter, attributes, done)
  local finished, buffer, entries, bound = false, '', {}, false

  local function finish(conn, result, reason)
    if finished then
      return
    end
    finished = true
    if conn then
      conn:close()
    end
    done(result, reason)
  end

  local on_data

  local function handle(message, conn)
    if message.kind == 'bound' and message.id == 1 and not bound then
      if message.code ~= 0 then
        return finish(conn, nil, 'LDAP bind refused, code ' .. message.code)
      end
      bound = true
      local query = ber.search(2, settings.base, filter, attributes, 100, 5)
      conn:add_write(function(err)
        if err then
          finish(nil, nil, 'LDAP write: ' .. tostring(err))
        end
      end, query)
    elseif message.kind == 'entry' and message.id == 2 then
      entries[#entries + 1] = message.entry
    elseif message.kind == 'done' and message.id == 2 then
      if message.code == 0 then
        finish(conn, entries)
      else
        finish(conn, nil, 'LDAP search failed, code ' .. message.code)
      end
    elseif message.kind ~= 'other' then
      finish(conn, nil, 'unexpected LDAP answer: ' .. message.kind)
    end
  end

  on_data = function(err, data, conn)
    if finished then
      return
    end
    if err then
      return finish(nil, nil, 'LDAP: ' .. tostring(err))
    end
    local messages, rest = ber.messages(buffer .. tostring(data))
    if not messages then
      return finish(conn, nil, 'LDAP: ' .. tostring(rest))
    end
    buffer = rest
    for _, message in ipairs(messages) do
      handle(message, conn)
      if finished then
        return
      end
    end
    -- Without a stop pattern a read gives what has come, once: ask again.
    conn:add_read(on_data)
  end

  local started = rspamd_tcp.request({
    task = task,
    host = settings.host,
    port = tonumber(settings.port) or 0,
    ssl = settings.tls and true or false,
    timeout = tonumber(settings.timeout) or 3.0,
    data = { ber.bind(1, settings.bind_dn, settings.bind_password) },
    callback = on_data,
  })
  if not started then
    finish(nil, nil, 'LDAP: cannot connect to ' .. tostring(settings.host))
  end
end

return M
