-- ARGV: 6 our lease token
local state = get('state')
if state == '' then return gone() end
if final[state] then return past(state) end
if state ~= 'executing' then return {'not_ready', {}} end
if get('lease') ~= ARGV[6] then return {'busy', {}} end
hold(ARGV[6])
return {'ok', {}}
