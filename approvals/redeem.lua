-- ARGV: 6 digest, 7 lease token, new for every call
local state = get('state')
if state == '' then return gone() end
if final[state] then return past(state) end
if state == 'executing' then
  -- Our own repeat after a lost reply, unless somebody has taken over since.
  if get('mint') == ARGV[7] and get('lease') == ARGV[7] then return reply('ok') end
  return reply('busy')
end
if state ~= 'approved' then return reply('not_ready') end
if ARGV[6] ~= get('digest') then return reply('digest') end
if late(state) then
  close('expired')
  return reply('expired')
end
redis.call('HSET', rec, 'state', 'executing', 'started', ARGV[1], 'attempts', '1', 'mint', ARGV[7])
hold(ARGV[7])
changed()
return reply('ok')
