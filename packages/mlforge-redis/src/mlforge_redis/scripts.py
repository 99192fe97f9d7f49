"""What the server does by itself, so that nobody comes between: Lua, the same on Redis and Valkey, one or many."""

from __future__ import annotations

import hashlib

import msgspec

_AGE = """
-- as_of has 64 bits, a number of Lua 53: it is compared in two halves, of its bytes or of its digits.
local high, low = struct.unpack('>i4I4', ARGV[1])

local function digits(text)
  local sign, number = string.match(text, '^(-?)(%d+)')
  local head, tail = tonumber(string.sub(number, 1, -10)) or 0, tonumber(string.sub(number, -9))
  if sign == '-' then return -head, -tail end
  return head, tail
end
local head, tail = digits(ARGV[2])

-- CRC-32, as eight digits.
local steps
local function crc(text)
  if not steps then
    steps = {}
    for byte = 0, 255 do
      local step = byte
      for _ = 1, 8 do
        local odd = bit.band(step, 1) == 1
        step = bit.rshift(step, 1)
        if odd then step = bit.bxor(step, 0xEDB88320) end
      end
      steps[byte] = step
    end
  end
  local sum = 0xFFFFFFFF
  for i = 1, #text do
    sum = bit.bxor(bit.rshift(sum, 8), steps[bit.band(bit.bxor(sum, string.byte(text, i)), 255)])
  end
  return bit.tohex(bit.bnot(sum))
end

-- Whether what is kept is as it was written. Asked only of what seems newer: nobody could ever write over it.
local function whole(key)
  local kept = redis.call('GET', key)
  local fields, sum = string.match(kept, '^({.*),"crc":"(%x+)"}$')
  if fields then return crc(fields) == sum end
  return crc(kept) == '2144df1c'
end

-- -1 where what is kept is older than ARGV, 0 where it is of the same age, damaged or nothing, 1 where it is newer;
-- nil where it is no entry.
local function age(key)
  local kept = redis.pcall('GETRANGE', key, 0, 31)
  if type(kept) == 'table' then
    if string.find(kept.err, 'WRONGTYPE', 1, true) then return nil end
    kept = redis.call('GETRANGE', key, 0, 31)
  end
  if kept == '' then return 0 end
  local a, b, c, d
  if string.sub(kept, 1, 2) == '\\148\\198' and string.sub(kept, 7, 8) == '\\149\\211' and #kept >= 16 then
    a, b = struct.unpack('>i4I4', kept, 9)
    c, d = high, low
  else
    local number = string.match(kept, '^{"as_of":(-?%d+)')
    if not number then return nil end
    a, b = digits(number)
    c, d = head, tail
  end
  if a == c then a, c = b, d end
  if a == c then return 0 end
  if a < c then return -1 end
  return whole(key) and 1 or 0
end

local function unknown(key)
  return redis.error_reply('MLFORGE what is kept at ' .. key .. ' is no entry this mlforge knows')
end
"""

_WRITE = """
local written = 0
for i, key in ipairs(KEYS) do
  local found = age(key)
  if not found then return unknown(key) end
  if found < 1 then
    if ARGV[3] == '' then
      redis.call('SET', key, ARGV[i + 3])
    else
      redis.call('SET', key, ARGV[i + 3], 'PX', ARGV[3])
    end
    written = written + 1
  end
end
return written
"""

_OLDER = """
local older = {}
for i, key in ipairs(KEYS) do
  local found = age(key)
  if not found then return unknown(key) end
  if found < 0 then older[#older + 1] = i - 1 end
end
return older
"""

_SWAP = """
if redis.call('GET', KEYS[1]) ~= (ARGV[2] or false) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""


class Script(msgspec.Struct, frozen=True):
    """A script's text, and the hash that a server knows it by once it ran there."""

    text: str
    digest: str


def _script(text: str) -> Script:
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


WRITE = _script(_AGE + _WRITE)
"""Keys; `as_of` as bytes and as digits, milliseconds to live or nothing, the values. How many were written."""

OLDER = _script(_AGE + _OLDER)
"""Keys; `as_of` as bytes and as digits. The places of those that keep something older."""

SWAP = _script(_SWAP)
"""A key; the text after, and the text before if there was any. 1 where it was swapped."""
