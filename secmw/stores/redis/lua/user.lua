-- A user: 'g' is the generation, 'v' the version, 's' and a selector an entry.
local function told(key)
  local now = redis.call('TIME')
  return {now[1] .. '.' .. string.format('%06d', now[2]), redis.call('HGETALL', key)}
end
