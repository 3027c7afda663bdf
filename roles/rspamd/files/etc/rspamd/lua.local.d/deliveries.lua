-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Tells the index of deliveries of this host of each message that was looked at: the envelope, the verdict, and what finds the
-- same message again (Message-ID, words of the subject, hosts of links, digests of parts, shingles of texts). The index keeps the
-- words as digests alone. Nobody waits for it: it runs when the answer is settled. Settings: section `malleposte` of
-- rspamd.conf.local.

local directory = rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/'
local contents = dofile(directory .. 'contents.lua')
local sites = dofile(directory .. 'sites.lua')
local telling = dofile(directory .. 'telling.lua')
local settings = rspamd_config:get_all_opt('malleposte') or {}
local socket = settings.deliveries or ''
local MOST_RECIPIENTS, MOST_MARKS, MOST_SYMBOLS = 200, 20, 20
local LONGEST = 500 -- bytes of a text
local SHORTEST = 200 -- bytes of a part that tells messages apart

local function cut(text)
  return string.sub(text or '', 1, LONGEST)
end

-- The recipients as Postfix knows them. Beside one that has an extension, rspamd lists the address without it, which is none.
local function addresses(task)
  local all, bare, list = task:get_recipients({ 'smtp', 'orig' }) or {}, {}, {}
  for _, one in ipairs(all) do
    local name, domain = string.match(one.addr, '^([^+]+)%+.*@([^@]*)$')
    if name then
      bare[name .. '@' .. domain] = true
    end
  end
  for _, one in ipairs(all) do
    if #list < MOST_RECIPIENTS and not bare[one.addr] then
      list[#list + 1] = cut(one.addr)
    end
  end
  return list
end

-- The digests of parts that are not too short, each once.
local function parts(task)
  local list, seen = {}, {}
  for _, part in ipairs(task:get_parts() or {}) do
    local digest = not part:is_multipart() and part:get_length() >= SHORTEST and part:get_digest()
    if #list >= MOST_MARKS then
      break
    elseif digest and not seen[digest] then
      seen[digest] = true
      list[#list + 1] = string.sub(digest, 1, 32)
    end
  end
  return list
end

-- The shingles of the longest text: messages of one wave share most of them, whatever name is in each.
local function prints(task)
  local longest, most = nil, 0
  for _, part in ipairs(task:get_text_parts() or {}) do
    local words = part:get_words_count() or 0
    if words > most then
      longest, most = part, words
    end
  end
  local list, shingles = {}, nil
  if longest then
    _, shingles = longest:get_fuzzy_hashes(task:get_mempool())
  end
  for _, one in ipairs(shingles or {}) do
    list[#list + 1] = tostring(one[1])
  end
  return list
end

local function symbols(task)
  local list = {}
  for _, name in ipairs(task:get_symbols() or {}) do
    if #list < MOST_SYMBOLS and string.sub(name, 1, 3) == 'MP_' or name == 'CLAM_VIRUS' or name == 'DMARC_POLICY_REJECT' then
      list[#list + 1] = name
    end
  end
  return list
end

local function tell(task)
  local envelope, author, ip = task:get_from('smtp'), task:get_from('mime'), task:get_from_ip()
  local message_id = task:get_message_id()
  telling.tell(task, socket, {
    queue = task:get_queue_id() or '',
    action = task:get_metric_action(),
    sender = cut(envelope and envelope[1] and envelope[1].addr),
    author = cut(author and author[1] and author[1].addr),
    user = cut(task:get_user()),
    place = ip and ip:is_valid() and tostring(ip) or '',
    message_id = message_id ~= 'undef' and cut(message_id) or '',
    subject = cut(task:get_subject()),
    size = task:get_size(),
    symbols = symbols(task),
    recipients = addresses(task),
    hosts = sites.hosts(task, MOST_MARKS),
    parts = parts(task),
    content = contents.digest(task) or '',
    prints = prints(task),
  }, 'deliveries: a message is not indexed')
end

if socket ~= '' then
  rspamd_config:register_symbol({
    name = 'MP_DELIVERIES',
    type = 'idempotent',
    callback = tell,
    flags = 'empty,explicit_disable,ignore_passthrough',
    priority = 10,
  })
end
