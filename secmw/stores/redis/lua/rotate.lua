-- KEYS: session. ARGV: at, margin, the time it was worked out for, verifier and owner that were, and that are to be.
local at = struct.unpack('<d', ARGV[1])
local raw = redis.call('GET', KEYS[1])
local why, one = living(raw, at)
if why then return {why} end
local moment = math.max(at, one.seen)
if moment ~= struct.unpack('<d', ARGV[3]) or one.verifier ~= ARGV[4] or one.owner ~= ARGV[5] then
  return {'again', raw}
end
one.verifier, one.owner = ARGV[6], ARGV[7]
one.revision = one.revision + 1
seen(one, moment)
return save(KEYS[1], one, at, tonumber(ARGV[2]))
