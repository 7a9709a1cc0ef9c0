-- Finished deliveries leave the stream and their lanes, and (when dead) are kept
-- in a short list for a person to look at.
-- KEYS: 1 stream, 2 dead list, 3.. lane per delivery (the stream where it has none)
-- ARGV: 1 group, 2 dead ttl ms, then per delivery: id, dead record ('' = handled)
-- Returns per delivery the id now at the head of its lane, or ''.
local heads = {}
for i = 3, #KEYS do
  local id, dead = ARGV[2*(i-3)+3], ARGV[2*(i-3)+4]
  redis.call('XACK', KEYS[1], ARGV[1], id)
  redis.call('XDEL', KEYS[1], id)
  if dead ~= '' then
    redis.call('LPUSH', KEYS[2], dead)
    redis.call('LTRIM', KEYS[2], 0, 999)
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
  end
  local head = ''
  if KEYS[i] ~= KEYS[1] then
    redis.call('LREM', KEYS[i], 1, id)
    head = redis.call('LINDEX', KEYS[i], 0) or ''
  end
  heads[#heads+1] = head
end
return heads
