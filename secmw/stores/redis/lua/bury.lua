-- KEYS: session. ARGV: tombstone, how long it is kept, margin.
-- Ends what is there, and keeps what is about to be put there from being put; what has ended keeps its reason.
local raw = redis.call('GET', KEYS[1])
if raw and kind(raw) ~= 'record' then
  again(KEYS[1], raw)
  return {'ended'}
end
keep(KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
if raw then return {'written', raw} end
return {'unknown'}
