-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Tells the webmails what a reader should know of a message's sender, in a header of our own: `first` (no agent of ours wrote to the
-- address lately), `head` (a stranger shows the name of an agent whose function is protected, such as a head of school), `desk` (the
-- shown name is that of the help desk, and the address is not). Namesakes are honest: nothing is refused or filed by these words. What
-- the sender wrote under that name is removed (milter_headers.conf). Settings: section `malleposte` of rspamd.conf.local.

local directory = rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/'
local ber = dofile(directory .. 'ber.lua')
local bearers = dofile(directory .. 'bearers.lua')
local claims = dofile(directory .. 'claims.lua')
local ldap = dofile(directory .. 'ldap.lua')
local names = dofile(directory .. 'names.lua')
local origin = dofile(directory .. 'origin.lua')
local readings = dofile(directory .. 'readings.lua')
local settings = rspamd_config:get_all_opt('malleposte') or {}
local notices = settings.notices or {}
local own = {}
for _, domain in ipairs(settings.domains or {}) do
  own[domain:lower()] = true
end
local header, heads, desk, addresses = notices.header, notices.heads or {}, notices.desk or {}, {}
for _, address in ipairs(notices.desk_addresses or {}) do
  addresses[address:lower()] = true
end

local LONGEST = 200 -- octets of a shown name
-- Names that were asked for, each with the answer, for so many seconds; when there are too many, all are forgotten.
local SECONDS, MOST = 600, 5000
local answers, count = {}, 0

local function remember(name, is_head)
  if count >= MOST then
    answers, count = {}, 0
  end
  count = count + (answers[name] and 0 or 1)
  answers[name] = { ends = os.time() + SECONDS, is_head = is_head }
end

-- The texts that a reader may take a shown name for.
local function looks(text)
  return text ~= '' and #text <= LONGEST and readings.looks(text, claims.TOOLS) or {}
end

-- Marks a name of the desk: from outside at once, from inside unless the directory gives the address such a name.
local function check_desk(task, address, texts, outside)
  local phrase = bearers.phrase(texts, desk, names.fold)
  if not phrase or addresses[address] then
    return
  elseif outside then
    return task:insert_result('MP_NAME_OF_DESK', 1.0, phrase)
  end
  ldap.search(task, settings, ber.equal('mailLocalAddress', address), { 'cn' }, function(entries)
    for _, entry in ipairs(entries or {}) do
      if bearers.phrase(entry.attributes.cn or {}, desk, names.fold) then
        return
      end
    end
    if entries then
      task:insert_result('MP_NAME_OF_DESK', 1.0, phrase)
    end
  end)
end

-- Marks the name of an agent whose function is protected.
local function check_heads(task, texts)
  local known = answers[texts[1]]
  if known and known.ends > os.time() then
    if known.is_head then
      task:insert_result('MP_NAME_OF_HEAD', 1.0)
    end
    return
  end
  local filters, keys = {}, {}
  for _, text in ipairs(texts) do
    for _, part in ipairs(names.parts(text)) do
      local key = names.key(part)
      if key and not keys[key] then
        keys[key] = true
        local full, locals = names.entries(part)
        for _, name in ipairs(full) do
          filters[#filters + 1] = ber.equal('cn', name)
        end
        for domain in pairs(own) do
          for _, name in ipairs(locals) do
            filters[#filters + 1] = ber.equal('mailLocalAddress', name .. '@' .. domain)
          end
        end
      end
    end
  end
  if #filters == 0 then
    return
  end
  local asked = ber.all({ ber.present('mpFunction'), ber.any(filters) })
  ldap.search(task, settings, asked, { 'cn', 'mpFunction' }, function(entries)
    for _, entry in ipairs(entries or {}) do
      for _, name in ipairs(entry.attributes.cn or {}) do
        if keys[names.key(name) or ''] and bearers.begins(entry.attributes.mpfunction or {}, heads) then
          remember(texts[1], true)
          return task:insert_result('MP_NAME_OF_HEAD', 1.0)
        end
      end
    end
    if entries then
      remember(texts[1], false)
    end
  end)
end

local function look(task)
  local from, user = task:get_from('mime'), task:get_user()
  local outside = origin.is_outside(task, settings)
  if not from or #from ~= 1 or (not outside and not (user and user ~= '')) then
    return
  end
  local texts = looks(from[1].name or '')
  if #texts == 0 then
    return
  end
  check_desk(task, (from[1].addr or ''):lower(), texts, outside)
  if outside and #heads > 0 and task:has_symbol('MP_UNKNOWN_SENDER') then
    check_heads(task, texts)
  end
end

if header then
  local id = rspamd_config:register_symbol({ name = 'MP_NAMES', type = 'normal', callback = look, flags = 'empty,nice' })
  rspamd_config:register_dependency('MP_NAMES', 'MP_CONTACTS')
  for _, name in ipairs({ 'MP_NAME_OF_HEAD', 'MP_NAME_OF_DESK' }) do
    rspamd_config:register_symbol({ name = name, type = 'virtual', parent = id })
    rspamd_config:set_metric_symbol({ name = name, score = 0.0, group = 'malleposte' })
  end
  rspamd_config:register_symbol({
    name = 'MP_NOTICES',
    type = 'idempotent',
    flags = 'empty,explicit_disable,ignore_passthrough',
    priority = 10,
    callback = function(task)
      local words = {}
      for _, one in ipairs({ { 'MP_UNKNOWN_SENDER', 'first' }, { 'MP_NAME_OF_HEAD', 'head' }, { 'MP_NAME_OF_DESK', 'desk' } }) do
        if task:has_symbol(one[1]) then
          words[#words + 1] = one[2]
        end
      end
      if #words > 0 then
        task:set_milter_reply({
          remove_headers = { [header] = 0 },
          add_headers = { [header] = { value = table.concat(words, ' '), order = -1 } },
        })
      end
    end,
  })
end
