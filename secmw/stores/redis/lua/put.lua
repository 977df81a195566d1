-- KEYS: value. ARGV: value with its time, time to live, now. Only where there is none.
local found = redis.call('GET', KEYS[1])
if found and #found >= 8 and struct.unpack('<d', ARGV[3]) < struct.unpack('<d', found) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
