-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Tells a daemon of this host, over its socket, of a message whose answer is settled. Nobody waits for it: what cannot be told is
-- lost, and the log says so.

local rspamd_logger = require "rspamd_logger"
local rspamd_tcp = require "rspamd_tcp"
local ucl = require "ucl"

local M = {}

-- `words` go as one line of JSON; `lost` says in the log what is not done.
function M.tell(task, socket, words, lost)
  local id = task:get_queue_id() or ''
  local function failed(reason)
    rspamd_logger.errx(rspamd_config, '%s (%s): %s', lost, id, reason)
  end
  -- Not of the task: a client that only writes frees itself once too often (rspamd 3.12.1, lua_tcp.c). As the last event of a
  -- task, it then counts down a byte of the answer to Postfix, which has been put where the client was.
  local started = rspamd_tcp.request({
    ev_base = task:get_ev_base(),
    config = rspamd_config,
    host = socket,
    port = 0,
    timeout = 2.0,
    read = false,
    data = { ucl.to_format(words, 'json-compact') .. '\n' },
    callback = function(err)
      if err then
        failed(tostring(err))
      end
    end,
  })
  if not started then
    failed('cannot connect to ' .. socket)
  end
end

return M
