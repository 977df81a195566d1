-- KEYS: lease. ARGV: now, seconds, margin, holder. The value: from when, until when, the holder; see rules.running.
local now, lasting = struct.unpack('<d', ARGV[1]), struct.unpack('<d', ARGV[2])
local found = redis.call('GET', KEYS[1])
local first, ends, holder = now, now + lasting, ARGV[4]
if found and #found > 16 then
  local since, till = struct.unpack('<dd', found)
  if now < till and found:sub(17) ~= ARGV[4] then first, ends, holder = since, till, found:sub(17) end
end
if first > now then first, ends = now, now + (ends - first) end
redis.call('SET', KEYS[1], struct.pack('<dd', first, ends) .. holder, 'PX',
  string.format('%.0f', math.ceil((math.max(ends - now, 0) + tonumber(ARGV[3])) * 1000)))
return holder == ARGV[4] and 1 or 0
