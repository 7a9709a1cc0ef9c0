-- The waiter's side: leave, unless the answer has come. Returns the answer or nil.
-- KEYS: 1 answer list, 2 gone flag. ARGV: 1 ttl ms
local a = redis.call('LINDEX', KEYS[1], 0)
if a then return a end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[1])
return nil
