-- Forgets consumers of processes that are long gone and hold nothing; each start
-- under a new name would leave one behind for ever.
-- KEYS: 1 stream. ARGV: 1 group, 2 idle ms. Returns how many were forgotten.
local n = 0
for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local f = {}
  for i = 1, #c, 2 do f[c[i]] = c[i+1] end
  if f['pending'] == 0 and f['idle'] > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], f['name'])
    n = n + 1
  end
end
return n
