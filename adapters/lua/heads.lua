-- Which delivery is next in each lane. A head that is no longer in the stream
-- (deleted by hand) is dropped, so that no lane can be stuck for ever.
-- KEYS: 1 stream, 2.. lanes. Returns one id or '' per lane.
local heads = {}
for i = 2, #KEYS do
  local head = redis.call('LINDEX', KEYS[i], 0)
  while head and #redis.call('XRANGE', KEYS[1], head, head) == 0 do
    redis.call('LPOP', KEYS[i])
    head = redis.call('LINDEX', KEYS[i], 0)
  end
  heads[#heads+1] = head or ''
end
return heads
