-- ARGV: 6 version, 7 number of copies that show it
if get('state') == '' then return gone() end
-- A copy posted meanwhile has not been drawn: leave it to the next round.
if number('copies') ~= tonumber(ARGV[7]) then return {'ok', {}} end
if tonumber(ARGV[6]) > number('drawn') then redis.call('HSET', rec, 'drawn', ARGV[6]) end
if number('drawn') >= number('version') then redis.call('ZREM', undrawn, id) end
return {'ok', {}}
