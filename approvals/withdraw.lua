-- ARGV: 6 person
local state = get('state')
if state == '' then return gone() end
if ARGV[6] ~= get('requester') then return reply('foreign') end
if state == 'withdrawn' then return reply('ok') end
if state ~= 'pending' then return past(state) end
if late(state) then
  close('expired')
  return reply('expired')
end
close('withdrawn')
return reply('ok')
