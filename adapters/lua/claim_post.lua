-- Who may post under this key? Times are Redis' own, so replicas agree on them.
-- KEYS: 1 record. ARGV: 1 owner, 2 ttl ms
-- Record: {"owner":…,"at":ms} while sending, {"ref":{…},"sum":…} once posted.
-- Returns {'new'} or {'have', record, age in ms}.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local have = redis.call('GET', KEYS[1])
if not have then
  redis.call('SET', KEYS[1], cjson.encode({owner = ARGV[1], at = now}), 'PX', ARGV[2])
  return {'new'}
end
local rec = cjson.decode(have)
local age = 0
if rec.at then age = now - rec.at end
return {'have', have, age}
