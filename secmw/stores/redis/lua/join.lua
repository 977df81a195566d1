-- KEYS: user. ARGV: field, what the client knows of the entry, generation and version that it has seen (any for '*'),
--       how long the session lasts at most.
-- A generation or a version that is another says 'again': what the client decided was decided on something else.
if (redis.call('HGET', KEYS[1], 'g') or '') ~= ARGV[3] then return 'again' end
if ARGV[4] ~= '*' and (redis.call('HGET', KEYS[1], 'v') or '') ~= ARGV[4] then return 'again' end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'exists' end
local now = redis.call('TIME')
local left = redis.call('PTTL', KEYS[1])
local order = redis.call('HINCRBY', KEYS[1], 'v', 1)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. struct.pack('<dd', now[1] + now[2] / 1000000, order))
-- A generation is kept for good, and all else as long as the session that lasts longest.
if ARGV[3] == '' and left ~= -1 and left < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return 'written'
