local state = get('state')
if state == '' then return gone() end
if late(state) then close('expired') end
return reply('ok')
