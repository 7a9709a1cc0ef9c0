-- ARGV: 6 digest, 7 our lease token, 8 most attempts, 9 mint token, new for every call
local state = get('state')
if state == '' then return gone() end
if final[state] then return past(state) end
if state ~= 'executing' then return reply('not_ready') end
if get('lease') ~= ARGV[7] then return reply('busy') end
if ARGV[6] ~= get('digest') then return reply('digest') end
if get('mint') == ARGV[9] then return reply('ok') end -- our own repeat after a lost reply
if number('attempts') >= tonumber(ARGV[8]) then return reply('attempts') end
redis.call('HINCRBY', rec, 'attempts', 1)
redis.call('HSET', rec, 'mint', ARGV[9])
hold(ARGV[7])
return reply('ok')
