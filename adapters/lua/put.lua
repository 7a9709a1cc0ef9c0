-- One delivery into the inbox: de-duplication and enqueue in one step, so that
-- "seen" can never be noted without the work being queued.
-- KEYS: seen, stream, lane ("" lane: the stream again)
-- ARGV: 1 ttl ms, 2 has lane (1/0), 3 max queue, 4 kind, 5 lane, 6 dedupe, 7 payload, 8 awaited (1/0)
-- Returns 1 fresh, 0 duplicate, -1 full.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[3]) then return -1 end
local head = '1'
if ARGV[2] == '1' and redis.call('LLEN', KEYS[3]) > 0 then head = '0' end
-- XADD before SET: should it fail (wrong type, memory), nothing is marked as seen.
local id = redis.call('XADD', KEYS[2], '*', 'k', ARGV[4], 'l', ARGV[5], 'x', ARGV[6], 'p', ARGV[7], 'w', ARGV[8], 'h', head)
if ARGV[2] == '1' then
  redis.call('RPUSH', KEYS[3], id)
  redis.call('PEXPIRE', KEYS[3], ARGV[1])
end
redis.call('SET', KEYS[1], id, 'PX', ARGV[1])
return 1
