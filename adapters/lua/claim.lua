-- Takes over deliveries nobody has worked on for a while: their process died,
-- or they wait for another try. The delivery count goes up by one.
-- KEYS: 1 stream. ARGV: 1 group, 2 consumer, 3 min idle ms, 4 count, 5 only from this consumer ('' = any)
-- Returns {id, count, {field, value, ...}} per delivery.
local pending
if ARGV[5] == '' then
  pending = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', ARGV[4])
else
  pending = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', ARGV[4], ARGV[5])
end
local out = {}
for _, p in ipairs(pending) do
  local count = p[4] + 1
  local got = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, p[1], 'RETRYCOUNT', count)
  if got[1] and got[1][2] then
    out[#out+1] = {p[1], count, got[1][2]}
  else
    redis.call('XACK', KEYS[1], ARGV[1], p[1]) -- deleted meanwhile
  end
end
return out
