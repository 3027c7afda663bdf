-- SPDX-License-Identifier: GPL-3.0-or-later
-- Run by: rspamadm lua -b sender.lua, on a host where the role stands. Prints "fine" or the failed lines.
local ber = dofile('/etc/rspamd/malleposte/ber.lua')
local addresses = dofile('/etc/rspamd/malleposte/addresses.lua')
local names = dofile('/etc/rspamd/malleposte/names.lua')
local readings = dofile('/etc/rspamd/malleposte/readings.lua')
local rspamd_util = require "rspamd_util"
local failed = 0

local function same(what, got, wanted)
  if got ~= wanted then
    failed = failed + 1
    print(string.format('%s: got %s, wanted %s', what, tostring(got), tostring(wanted)))
  end
end

local function hex(text)
  return (text:gsub('.', function(c) return string.format('%02x', c:byte()) end))
end

local function bytes(digits)
  return (digits:gsub('%s', ''):gsub('..', function(d) return string.char(tonumber(d, 16)) end))
end

-- Encoding
same('integer 0', hex(ber.integer(0)), '020100')
same('integer 127', hex(ber.integer(127)), '02017f')
same('integer 128', hex(ber.integer(128)), '02020080')
same('integer 300', hex(ber.integer(300)), '0202012c')
same('short length', hex(ber.tlv(4, ('x'):rep(127))):sub(1, 4), '047f')
same('long length', hex(ber.tlv(4, ('x'):rep(128))):sub(1, 6), '048180')
same('longer length', hex(ber.tlv(4, ('x'):rep(256))):sub(1, 8), '04820100')
same('bind', hex(ber.bind(1, 'cn=a', 's')), '3011' .. '020101' .. '600c' .. '020103' .. '0404636e3d61' .. '800173')
same('bind head', hex(ber.bind(1, '', '')), '300c020101' .. '6007' .. '020103' .. '0400' .. '8000')
same('equality', hex(ber.equal('a', '*)(b=*')), 'a30b' .. '040161' .. '0406' .. '2a2928623d2a')
same('unbind', hex(ber.unbind(3)), '3005020103' .. '4200')

-- Decoding
local bound = bytes('300c 020101 6107 0a0100 0400 0400')
local list, rest = ber.messages(bound)
same('bound', list and list[1].kind .. list[1].code .. #rest, 'bound00')
for cut = 1, #bound - 1 do
  local partial, left = ber.messages(bound:sub(1, cut))
  same('cut at ' .. cut, partial and #partial .. ',' .. #left, '0,' .. cut)
end
local entry = ber.tlv(0x30, ber.integer(2) .. ber.tlv(0x64, ber.tlv(4, 'uid=a') .. ber.tlv(0x30,
  ber.tlv(0x30, ber.tlv(4, 'UID') .. ber.tlv(0x31, ber.tlv(4, 'a') .. ber.tlv(4, 'b'))))))
list, rest = ber.messages(bound .. entry .. entry:sub(1, 5))
same('entry', list[2].entry.dn .. table.concat(list[2].entry.attributes.uid, ','), 'uid=aa,b')
same('left over', #rest, 5)
for name, data in pairs({
  ['not a sequence'] = '0401 61',
  ['indefinite length'] = '3080 0201010000',
  ['huge length'] = '3084 7fffffff 00',
  ['five length bytes'] = '3085 0000000001 00',
  ['inner longer than outer'] = '3005 0201 01 610a',
  ['no operation'] = '3003 020101',
  ['many-byte tag'] = '3f01 00',
}) do
  local wrong = ber.messages(bytes(data))
  same(name, wrong, nil)
end
math.randomseed(7)
for _ = 1, 3000 do
  local data = {}
  for i = 1, math.random(40) do
    data[i] = string.char(math.random(0, 255))
  end
  local fine, reason = pcall(ber.messages, '0' .. table.concat(data))
  same('noise', fine or reason, true)
end

-- Addresses
for value, wanted in pairs({
  ['a@x.test'] = 'a@x.test',
  ['A <A@X.test>'] = 'a@x.test',
  ['"b@x.test" <a@x.test>'] = 'a@x.test',
  ['"N, P" (c (d)) <a@x.test>, b@x.test'] = 'a@x.test b@x.test',
  ['G: a@x.test, b@x.test;'] = 'a@x.test b@x.test',
  ['G:;, a@x.test'] = 'a@x.test',
  ['=?utf-8?Q?N=2C_P?= <a@x.test>'] = 'a@x.test',
  ['J. "Q" P <a@x.test> (c)'] = 'a@x.test',
  ['a@x.test (c)'] = 'a@x.test',
  ['"a b"@x.test'] = 'a b@x.test',
  ['a@x.test <A@x.test>'] = 'a@x.test',
}) do
  same(value, table.concat(addresses.parse(value) or { 'refused' }, ' '), wanted)
end
for _, value in ipairs({ '', 'a', 'a@', '@x', '<a@x', 'a@x>', '<a@x> <b@x>', '"a@x', '(a@x', 'a@x b@x', 'a@x <b@x', 'G: ;', 'G: a@x',
  'a@x;', 'a@b@c', '<@r:a@x>', 'a\\b@x', 'a@x\0', '<a@x> z', ':a@x;', 'a(c)@x', 'a@(c)x', 'a @x', 'a@ x', '< a@x>', 'a@x.', 'a@x,',
  ',a@x', 'a@x(c)"d"', 'a@x]', '[a] <b@x>', 'a@b <c@x>', '"a"b@x', '"a" @x', '"a@b"@x', '\233@x', 'a@\233', 'a..b@x', '.a@x', 'a@x..y',
  'a@-x', '=?utf-8?Q?N,_P?= <a@x>', 'G: a@x; b@x', 'G: a@x; H: b@x;', 'a@x\1', 'a@x\n' }) do
  same('refused ' .. value, addresses.parse(value), nil)
end
same('too many', addresses.parse(('a@x,'):rep(20) .. 'a@x'), nil)
local _, shown = addresses.parse('"N \\"P\\"" (c) <a@x> (d)')
same('what is shown', table.concat(shown and shown[1] or {}, '|'), 'N "P"|c|d')
same('base', addresses.base('a+b@x.test'), 'a@x.test')
same('no base', addresses.base('a@x.test'), nil)
local own = { ['x.test'] = true }
same('below', tostring(addresses.below('a.b.x.test', own)), 'true')
same('itself', tostring(addresses.below('x.test', own)), 'false')
same('beside', tostring(addresses.below('ax.test', own)), 'false')
same('fields', table.concat(addresses.fields('From: a\r\n b\r\nfrom : b\r\nX-From: c\r\n From: d\rFROM:e\r\n', 'from'), '|'),
  ' a b| b|e')

-- Readings
local tools = { normalise = rspamd_util.normalize_utf8, base64 = function(text) return tostring(rspamd_util.decode_base64(text)) end }
local function mentioned(text)
  return table.concat(readings.mentions(text, own, tools), ' ')
end
same('mention', mentioned('see <B@X.TEST.> or c@y.test'), 'b@x.test')
for name, text in pairs({
  ['wide at'] = 'b\239\188\160x.test',
  ['zero width space'] = 'b@x.\226\128\139test',
  ['soft hyphen'] = 'b@\194\173x.test',
  ['one dot leader'] = 'b@x\226\128\164test',
  ['hyphenation point'] = 'b@x\226\128\167test',
  ['full width'] = 'b\239\188\160x\239\188\142\239\189\148est',
  ['backwards'] = '\226\128\174tset.x@b',
  ['a word in brackets'] = 'b (at) x.test',
  ['a word'] = 'b AT x dot test',
  ['a French word'] = 'b [arobase] x [point] test',
  ['blanks'] = 'b @ x . test',
  ['many blanks'] = 'b@x .' .. (' '):rep(300) .. 'test',
}) do
  same(name, mentioned(text), 'b@x.test')
end
same('a dash', table.concat(readings.mentions('b@a\226\128\147b.test', { ['a-b.test'] = true }, tools), ' '), 'b@a-b.test')
same('backwards without a mark', mentioned('tset.x@b'), '')
same('no mention', mentioned('b, x.test, c@xx.test, d@x.testing'), '')
for _, text in ipairs({ 'a@x.test', 'a@x(c).test', 'a@x\\.test', 'a@x. test', '=?utf-8?Q?a=40x=2Etest?=', '=?utf-8?B?YUB4LnRlc3Q=?=',
  '=?utf-16be?B?AGEAQAB4AC4AdABlAHMAdA==?=', '"a@x".test', 'a@x.t=?utf-8?Q?est?=', 'a@x.t\1est', 'a@X\239\188\142TEST', '((a@x.test' }) do
  same('named in ' .. text, tostring(readings.names_domain(text, own, tools)), 'true')
end
same('not named', tostring(readings.names_domain('a@y.test (x) <b@test.x>', own, tools)), 'false')

-- Names
for _, text in ipairs({ 'Jérôme Saint-Exupère', 'SAINT-EXUPERE Jerome', 'M. Jérôme Saint-Exupère', 'Jérôme  Saint Exupère',
  'Jеrômе Saint-Exupère', 'Je\204\129rome Saint-Exupère', 'Jer0me Saint-Exupère' }) do
  same(text, names.key(text), 'exupere jerome saint')
end
same('one word', names.key('Jérôme'), nil)
same('a part', names.key(names.parts('Jérôme Saint-Exupère (proviseur)')[2]), 'exupere jerome saint')
local full, locals = names.entries('M. D’Hérouville Anaïs')
same('full names', table.concat(full, '|'), 'D’Hérouville Anaïs|Anaïs D’Hérouville')
same('addresses', table.concat(locals, '|'), 'dherouville.anais|anais.dherouville')

print(failed == 0 and 'fine' or failed .. ' failed')
