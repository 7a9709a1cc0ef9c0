-- The worker's side: hand the answer over, unless the waiter has left.
-- KEYS: 1 answer list, 2 gone flag. ARGV: 1 answer, 2 ttl ms. Returns 1 when handed over.
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
