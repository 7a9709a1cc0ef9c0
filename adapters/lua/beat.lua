-- Renews the lease on what a live process holds, so that slow work is not taken
-- for dead. Only entries still owned by the caller are touched.
-- KEYS: 1 stream. ARGV: 1 group, 2 consumer, 3.. ids. Returns the ids that were lost.
local lost = {}
for i = 3, #ARGV do
  local p = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])
  if #p == 0 then
    lost[#lost+1] = ARGV[i]
  else
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'RETRYCOUNT', p[1][4], 'JUSTID')
  end
end
return lost
