-- KEYS: session. ARGV: at, margin, the record that was read, the record that is to be, how long it lives.
local raw = redis.call('GET', KEYS[1])
local why = living(raw, struct.unpack('<d', ARGV[1]))
if why then return {why} end
if raw ~= ARGV[3] then return {'conflict'} end
keep(KEYS[1], ARGV[4], struct.unpack('<d', ARGV[5]), tonumber(ARGV[2]))
return {'written', ARGV[4]}
