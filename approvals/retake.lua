-- ARGV: 6 lease token, new for every call
local state = get('state')
if state == '' then return gone() end
if final[state] then return past(state) end
if state ~= 'executing' then return reply('not_ready') end
if get('lease') == ARGV[6] then return reply('ok') end -- our own repeat after a lost reply
if now < number('lease_until') then return reply('busy') end
hold(ARGV[6])
return reply('ok')
