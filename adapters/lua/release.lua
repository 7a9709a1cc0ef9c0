-- Gives a delivery back: after the wait (lease minus idle) anybody may claim it.
-- Does nothing when somebody else has taken it over already.
-- KEYS: 1 stream. ARGV: 1 group, 2 consumer, then per delivery: id, idle ms, delivery count
for i = 3, #ARGV, 3 do
  local p = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])
  if #p > 0 then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'IDLE', ARGV[i+1], 'RETRYCOUNT', ARGV[i+2], 'JUSTID')
  end
end
return 1
