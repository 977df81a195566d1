-- KEYS: counter. ARGV: now, seconds, margin. The value: from when, until when, how many; see rules.running.
local now, lasting = struct.unpack('<d', ARGV[1]), struct.unpack('<d', ARGV[2])
local found = redis.call('GET', KEYS[1])
local first, ends, count = now, now + lasting, 0
if found and #found == 24 then
  local since, till, many = struct.unpack('<ddd', found)
  if now < till then first, ends, count = since, till, many end
end
if first > now then first, ends = now, now + (ends - first) end
count = count + 1
redis.call('SET', KEYS[1], struct.pack('<ddd', first, ends, count), 'PX',
  string.format('%.0f', math.ceil((math.max(ends - now, 0) + tonumber(ARGV[3])) * 1000)))
return count
