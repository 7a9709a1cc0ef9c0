-- Appends records behind the head of the chain they were computed from.
-- KEYS: 1 stream, 2 head (hash: seq, hash), 3 mark of this batch, 4... marks of keyed records
-- ARGV: 1 seq and 2 hash of the expected head, 3 seq and 4 hash of the new one,
--       5 how long keys are remembered (ms), 6... the records
-- Answer: {ok} | {known, numbers of the keyed records that are there} | {moved, seq, hash}
if redis.call('EXISTS', KEYS[3]) == 1 then return {'ok'} end -- our own repeat after a lost reply

local known = {'known'}
for i = 4, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then known[#known + 1] = tostring(i - 3) end
end
if #known > 1 then return known end

local seq = redis.call('HGET', KEYS[2], 'seq') or '0'
local hash = redis.call('HGET', KEYS[2], 'hash') or string.rep('0', 64)
if seq ~= ARGV[1] or hash ~= ARGV[2] then return {'moved', seq, hash} end

-- The first XADD is the first write: if the stream has run ahead of the head
-- it fails and nothing is changed.
for i = 6, #ARGV do
  redis.call('XADD', KEYS[1], string.format('%.0f-0', tonumber(seq) + i - 5), 'r', ARGV[i])
end
redis.call('HSET', KEYS[2], 'seq', ARGV[3], 'hash', ARGV[4])
redis.call('SET', KEYS[3], '1', 'PX', 600000)
for i = 4, #KEYS do redis.call('SET', KEYS[i], ARGV[3], 'PX', ARGV[5]) end
return {'ok'}
