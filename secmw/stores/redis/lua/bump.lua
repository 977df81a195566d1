-- KEYS: user. ARGV: now. The generation goes up; what is told holds it already.
local ends = redis.call('HGET', KEYS[1], 'g')
local times, last = 0, struct.pack('<d', 0)
if ends then times, last = struct.unpack('<d', ends), ends:sub(9, 16) end
redis.call('HSET', KEYS[1], 'g', struct.pack('<d', times + 1) .. ARGV[1] .. last)
redis.call('PERSIST', KEYS[1])
return told(KEYS[1])
