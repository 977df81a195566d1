-- KEYS: session.
-- ARGV: at, margin, limit, what of each name and value does not count towards it, whether the owner changes,
--       the owner it was, the owner it is to be, how many are expected, then name and value of these and of the
--       changes; '+' stands before a value that is one.

-- Where a MessagePack value that begins at a place ends; what is in it is not looked at.
local FIXED = {[0xc0] = 1, [0xc2] = 1, [0xc3] = 1, [0xca] = 5, [0xcb] = 9, [0xcc] = 2, [0xcd] = 3, [0xce] = 5,
  [0xcf] = 9, [0xd0] = 2, [0xd1] = 3, [0xd2] = 5, [0xd3] = 9, [0xd4] = 3, [0xd5] = 4, [0xd6] = 6, [0xd7] = 10,
  [0xd8] = 18}
local LONG = {[0xc4] = {'>B', 2}, [0xc5] = {'>I2', 3}, [0xc6] = {'>I4', 5}, [0xc7] = {'>B', 3}, [0xc8] = {'>I2', 4},
  [0xc9] = {'>I4', 6}, [0xd9] = {'>B', 2}, [0xda] = {'>I2', 3}, [0xdb] = {'>I4', 5}}
local MANY = {[0xdc] = {'>I2', 3, 1}, [0xdd] = {'>I4', 5, 1}, [0xde] = {'>I2', 3, 2}, [0xdf] = {'>I4', 5, 2}}

local function past(data, place)
  local left = 1
  while left > 0 do
    local byte = data:byte(place)
    left = left - 1
    if byte < 0x80 or byte >= 0xe0 then
      place = place + 1
    elseif byte < 0x90 then
      place, left = place + 1, left + 2 * (byte - 0x80)
    elseif byte < 0xa0 then
      place, left = place + 1, left + byte - 0x90
    elseif byte < 0xc0 then
      place = place + 1 + byte - 0xa0
    elseif FIXED[byte] then
      place = place + FIXED[byte]
    elseif LONG[byte] then
      place = place + LONG[byte][2] + struct.unpack(LONG[byte][1], data, place + 1)
    else
      local how = MANY[byte]
      left = left + how[3] * struct.unpack(how[1], data, place + 1)
      place = place + how[2]
    end
  end
  return place
end

local function split(data)
  local byte, place, count = data:byte(1), 2, 0
  if byte >= 0x80 and byte < 0x90 then
    count = byte - 0x80
  elseif byte == 0xde then
    count, place = struct.unpack('>I2', data, 2)
  elseif byte == 0xdf then
    count, place = struct.unpack('>I4', data, 2)
  else
    error('no session data')
  end
  local names, values = {}, {}
  for number = 1, count do
    local value = past(data, place)
    local after = past(data, value)
    names[number] = data:sub(place, value - 1)
    values[names[number]] = data:sub(value, after - 1)
    place = after
  end
  return names, values
end

local function join(names, values)
  local parts, count = {''}, 0
  for _, name in ipairs(names) do
    -- A name that was removed has no value.
    if values[name] then
      parts[#parts + 1], parts[#parts + 2] = name, values[name]
      count = count + 1
    end
  end
  if count < 16 then
    parts[1] = string.char(0x80 + count)
  elseif count < 65536 then
    parts[1] = struct.pack('>BI2', 0xde, count)
  else
    parts[1] = struct.pack('>BI4', 0xdf, count)
  end
  return table.concat(parts), count
end

local at = struct.unpack('<d', ARGV[1])
local raw = redis.call('GET', KEYS[1])
local why, one = living(raw, at)
if why then return {why} end
if ARGV[5] == '1' then
  if one.owner ~= ARGV[6] then return {'again', raw} end
  one.owner = ARGV[7]
end
local names, values = split(one.data)
local overhead = tonumber(ARGV[4])
local before = #one.data - overhead * #names
local first = 9 + 2 * tonumber(ARGV[8])
for number = 9, first - 1, 2 do
  local expected = ARGV[number + 1]
  local value = values[ARGV[number]]
  if (value and '+' .. value or '') ~= expected then return {'conflict'} end
end
for number = first, #ARGV, 2 do
  local name, value = ARGV[number], ARGV[number + 1]
  if value == '' then
    values[name] = nil
  else
    if not values[name] then names[#names + 1] = name end
    values[name] = value:sub(2)
  end
end
local data, count = join(names, values)
local size = #data - overhead * count
if size > tonumber(ARGV[3]) and size > before then return {'too_large'} end
one.data = data
one.revision = one.revision + 1
seen(one, at)
return save(KEYS[1], one, at, tonumber(ARGV[2]))
