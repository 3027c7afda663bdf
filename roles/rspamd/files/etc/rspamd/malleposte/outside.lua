-- Managed by Malleposte; changes are overwritten
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The rule of malleposte.lua for mail from outside: it shows no author of ours without our signature, none of a domain below
-- ours without DMARC, and no field of authors that one program reads as ours and another does not.

local directory = rspamd_paths['LOCAL_CONFDIR'] .. '/malleposte/'
local addresses = dofile(directory .. 'addresses.lua')
local claims = dofile(directory .. 'claims.lua')

local M = {}

local MESSAGE = {
  below = "Message refuse : l'adresse affichee %s est d'un sous-domaine du notre, qui n'a pas autorise cet envoi / "
      .. "Refused: the From address %s is of a domain below ours, which did not authorise this message",
  malformed = "Message refuse : le champ %s nomme notre domaine sans etre une adresse bien formee (%s) / "
      .. "Refused: the %s field names our domain without being a well-formed address (%s)",
  several = "Message refuse : il faut un seul champ From / Refused: exactly one From field is needed",
  forged = "Message refuse : l'expediteur affiche %s est de notre domaine mais le message n'est pas signe par lui / "
      .. "Refused: the From address %s is of our domain but the message is not signed by it",
}

local own, reject, postpone

-- The set of our domains; how a message is refused (task, text) and put off (task, reason).
function M.use(domains, refuse, put_off)
  own, reject, postpone = domains, refuse, put_off
end

-- The address of ours that a From from outside shows as its author, and one of a domain below ours.
local function outside_author(from)
  local author, below
  for address in pairs(from.addresses) do
    local _, domain = addresses.split(address)
    if own[domain or ''] then
      author = author or address
    elseif domain and addresses.below(domain, own) then
      below = address
    end
  end
  return author, below
end

-- Fields of authors that name our domain in a form that programs read differently: the refusal, or nil.
local function malformed(from, others)
  if from.ours then
    return string.format(MESSAGE.malformed, 'From', from.unread, 'From', from.unread)
  elseif (from.count > 1 or not from.plain) and (next(from.named) or outside_author(from)) then
    return MESSAGE.several
  end
  for field, claim in pairs(others) do
    if claim.ours then
      return string.format(MESSAGE.malformed, field, claim.unread, field, claim.unread)
    end
  end
end

function M.check(task)
  local from, others = claims.read(task, 'From', own), {}
  for _, fields in ipairs({ claims.SENDERS, claims.REPLIES }) do
    for _, field in ipairs(fields) do
      others[field] = field ~= 'From' and claims.read(task, field, own) or nil
    end
  end
  local refusal = malformed(from, others)
  if refusal then
    return reject(task, refusal)
  end
  if from.unread or not from.plain then
    task:insert_result('MP_FROM_UNREADABLE', 1.0, from.unread or 'hidden')
  end
  local author, below = outside_author(from)
  if not author then
    local named = next(from.named) or next(others.Sender.named)
    if named then
      task:insert_result('MP_NAME_IS_OURS', 1.0, named)
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
  if not signed then
    return reject(task, string.format(MESSAGE.forged, author, author))
  end
  -- A signature of ours is there: DKIM says later whether it holds (MP_OWN_SIGNATURE below).
  local _, domain = addresses.split(author)
  task:cache_set('mp_own_from', author)
  task:cache_set('mp_own_domain', domain)
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

-- The checks that wait for the results of DMARC and DKIM.
function M.register()
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
end

return M
