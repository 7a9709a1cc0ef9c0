-- ARGV: 6 person, 7 choice, 8 quorum, 9 may the requester approve (0/1), 10 delivery, 11 decision (JSON)
local person, choice = ARGV[6], ARGV[7]
local state = get('state')
if state == '' then return gone() end

local earlier = get('v:' .. person)
if earlier ~= '' and earlier == choice .. ' ' .. ARGV[10] then return reply('ok') end -- the same click again

if state ~= 'pending' then return past(state) end
if late(state) then
  close('expired')
  return reply('expired')
end
if person == get('requester') and (choice ~= 'approve' or ARGV[9] ~= '1') then return reply('self') end
if earlier ~= '' then return reply('repeated') end

local n = redis.call('HINCRBY', rec, 'decisions', 1)
redis.call('HSET', rec, 'd:' .. person, n .. ' ' .. ARGV[11], 'v:' .. person, choice .. ' ' .. ARGV[10])
if choice == 'reject' then
  close('rejected')
elseif n >= tonumber(ARGV[8]) then -- while pending every decision is an approval
  redis.call('HSET', rec, 'state', 'approved', 'approved', ARGV[1])
  redis.call('ZREM', pending, id)
  redis.call('ZADD', due, ms(now + lease), id)
  changed()
else
  changed()
end
return reply('ok')
