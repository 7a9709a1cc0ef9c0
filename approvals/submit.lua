-- KEYS: 5 recent, 6 key index (string: id)
-- ARGV: 6 stale id, 7 key index TTL, 8... fields and values of the record
local there = redis.call('GET', KEYS[6])
if there and there ~= id and there ~= ARGV[6] then
  return {'there', {'id', there}}
end
if there ~= id then -- otherwise this is our own repeat after a lost reply
  redis.call('SET', KEYS[6], id, 'PX', ARGV[7])
  redis.call('HSET', rec, 'state', 'pending', 'version', '1', unpack(ARGV, 8))
  local created, expires = get('created'), get('expires')
  redis.call('ZADD', due, expires, id)
  redis.call('ZADD', pending, created, id)
  redis.call('ZADD', undrawn, ARGV[1], id)
  redis.call('ZADD', KEYS[5], created, id)
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', ms(now - tonumber(keep)))
end
return reply('ok')
