-- KEYS: session. ARGV: at, margin, tombstone, how long it is kept, for which kind of reason.
local at = struct.unpack('<d', ARGV[1])
local raw = redis.call('GET', KEYS[1])
if not raw then return {'unknown'} end
local is = kind(raw)
if is == 'stone' and at >= struct.unpack('<d', raw, 3) then return {'unknown'} end
if is == 'record' then
  if ARGV[5] == 'limit' and not over(open(raw), at) then return {'conflict'} end
elseif ARGV[5] ~= 'unreadable' then
  again(KEYS[1], raw)
  return {'ended'}
end
keep(KEYS[1], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[2]))
if is == 'record' then return {'written', raw} end
return {'ended'}
