-- KEYS: anything but a user. ARGV: the first bytes that were judged. What has changed since stays.
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] or ARGV[1] == '' then return false end
local raw = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
return raw
