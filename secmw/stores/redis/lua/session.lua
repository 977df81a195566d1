-- What is kept of a session, read; the layout is that of secmw/sessions/record.py and layout.py.
local HEAD, SUM, LIFE = 78, 8, 4503599627370496

local function kind(raw)
  if raw:byte(1) ~= 1 then return 'unreadable' end
  if raw:byte(2) == 2 and #raw == 11 then
    return raw:byte(11) < 7 and 'stone' or 'unreadable'
  end
  if raw:byte(2) ~= 1 or #raw < HEAD + SUM then return 'unreadable' end
  if redis.sha1hex(raw:sub(1, -SUM - 1)):sub(1, SUM) ~= raw:sub(-SUM) then return 'unreadable' end
  return 'record'
end

local function open(raw)
  local one = {}
  local _
  _, _, one.revision, one.created, one.seen, one.expires, one.idle, one.inactivity, one.verifier, one.length =
    struct.unpack('<BBI4ddddI4c32I4', raw)
  one.data = raw:sub(HEAD + 1, HEAD + one.length)
  one.owner = raw:sub(HEAD + one.length + 1, -SUM - 1)
  return one
end

local function over(one, at)
  if at < one.seen then at = one.seen end
  return at >= one.expires or at >= one.idle
end

-- Why a write finds no living session there, or the session.
local function living(raw, at)
  if not raw then return 'unknown' end
  local is = kind(raw)
  if is == 'stone' then
    return at < struct.unpack('<d', raw, 3) and 'ended' or 'unknown'
  end
  if is ~= 'record' then return 'ended' end
  local one = open(raw)
  if over(one, at) then return 'ended' end
  return nil, one
end

local function seen(one, at)
  if at > one.seen then one.seen = at end
  if one.inactivity ~= 0 and one.seen + one.inactivity > one.idle then
    one.idle = one.seen + one.inactivity
  end
end

local function keep(key, raw, lasting, margin)
  lasting = (math.max(lasting, 0) + margin) * 1000
  -- What lasts forever is a number too.
  if not (lasting < LIFE) then lasting = LIFE end
  redis.call('SET', key, raw, 'PX', string.format('%.0f', math.ceil(lasting)))
end

-- Replicas confirm what this connection has written: what was there already is written once more, for them to have it.
local function again(key, raw)
  redis.call('SET', key, raw, 'KEEPTTL')
end

local function save(key, one, at, margin)
  local raw = struct.pack('<BBI4ddddI4c32I4', 1, 1, one.revision % 4294967296, one.created, one.seen, one.expires,
    one.idle, one.inactivity, one.verifier, #one.data) .. one.data .. one.owner
  raw = raw .. redis.sha1hex(raw):sub(1, SUM)
  keep(key, raw, math.min(one.expires, one.idle) - at, margin)
  return {'written', raw}
end
