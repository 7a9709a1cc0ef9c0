-- ARGV: 6 reference
if get('state') == '' then return gone() end
local field = 'c:' .. ARGV[6]
if redis.call('HEXISTS', rec, field) == 1 then return reply('ok') end
redis.call('HSET', rec, field, redis.call('HINCRBY', rec, 'copies', 1), 'drawn', '1')
-- A new copy shows version 1 or later; which one is not known.
if number('version') > 1 then
  redis.call('ZADD', undrawn, ARGV[1], id)
else
  redis.call('ZREM', undrawn, id)
end
return reply('ok')
