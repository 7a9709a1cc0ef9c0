-- ARGV: 6 new state, 7 our lease token (may be empty), 8 result (JSON, may be empty)
local state, new = get('state'), ARGV[6]
if state == '' then return gone() end
if state == new then return reply('ok') end
if final[state] then return past(state) end
if state == 'executing' then
  if ARGV[7] == '' or get('lease') ~= ARGV[7] then return reply('busy') end
elseif state ~= 'approved' or new ~= 'failed' then -- found undoable before it began
  return reply('not_ready')
end
redis.call('HSET', rec, 'result', ARGV[8])
close(new)
return reply('ok')
