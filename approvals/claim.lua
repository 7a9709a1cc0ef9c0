-- Ids of a sorted set whose time has come, each handed to one caller per lease.
-- KEYS: 1 sorted set; ARGV: 1 latest score, 2 limit, 3 new score
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do redis.call('ZADD', KEYS[1], ARGV[3], id) end
return ids
