-- KEYS: session. ARGV: at, margin.
local at = struct.unpack('<d', ARGV[1])
local why, one = living(redis.call('GET', KEYS[1]), at)
if why then return {why} end
seen(one, at)
return save(KEYS[1], one, at, tonumber(ARGV[2]))
