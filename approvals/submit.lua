-- KEYS: 5 recent, 6 key index (string: id)
-- ARGV: 6 id of a record known to be gone, 7 key index TTL, 8... fields and values of the record
-- Our own repeat after a lost reply finds our own id there, which is as good.
local there = redis.call('GET', KEYS[6])
if there and there ~= ARGV[6] then return {'there', {'id', there}} end

redis.call('SET', KEYS[6], id, 'PX', ARGV[7])
redis.call('HSET', rec, 'state', 'pending', 'version', '1', unpack(ARGV, 8))
local created = get('created')
redis.call('ZADD', due, get('expires'), id)
redis.call('ZADD', pending, created, id)
redis.call('ZADD', undrawn, ARGV[1], id)
redis.call('ZADD', KEYS[5], created, id)
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', ms(now - tonumber(keep)))
return reply('ok')
