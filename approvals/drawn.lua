-- ARGV: 6 version, 7 number of copies that show it
-- Answers "moved" when the cards do not show the record as it is now.
if get('state') == '' then return gone() end
-- A copy posted meanwhile has not been drawn: leave it to the next round.
if number('copies') ~= tonumber(ARGV[7]) then return {'moved', {}} end
if tonumber(ARGV[6]) > number('drawn') then redis.call('HSET', rec, 'drawn', ARGV[6]) end
if number('drawn') < number('version') then return {'moved', {}} end
redis.call('ZREM', undrawn, id)
return {'ok', {}}
