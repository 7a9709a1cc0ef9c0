-- Goes in front of every script that changes one request.
-- KEYS: 1 record (hash), 2 due, 3 pending, 4 undrawn (sorted sets of ids)
-- ARGV: 1 now, 2 id, 3 lease, 4 keep, 5 grace (milliseconds); 6... the script's own
-- Answer: {code, record as a flat list}; the record is empty only for not_found.
local rec, due, pending, undrawn = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, id = tonumber(ARGV[1]), ARGV[2]
local lease, keep, grace = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])

local function get(field) return redis.call('HGET', rec, field) or '' end
local function number(field) return tonumber(get(field)) or 0 end
local function ms(n) return string.format('%.0f', n) end
local function reply(code) return {code, redis.call('HGETALL', rec)} end

-- The index entries of a record that is gone go too.
local function gone()
  redis.call('ZREM', due, id)
  redis.call('ZREM', pending, id)
  redis.call('ZREM', undrawn, id)
  return {'not_found', {}}
end

-- Cards show something older now.
local function changed()
  redis.call('HINCRBY', rec, 'version', 1)
  redis.call('ZADD', undrawn, ARGV[1], id)
end

local final = {rejected=true, expired=true, withdrawn=true, done=true, failed=true, unknown=true}

-- The one way into a final state; it starts the record's last days.
local function close(state)
  redis.call('HSET', rec, 'state', state, 'ended', ARGV[1])
  redis.call('HDEL', rec, 'lease', 'lease_until', 'mint')
  redis.call('ZREM', due, id)
  redis.call('ZREM', pending, id)
  changed()
  redis.call('PEXPIRE', rec, keep)
end

-- Holds the lease for token from now on.
local function hold(token)
  redis.call('HSET', rec, 'lease', token, 'lease_until', ms(now + lease))
  redis.call('ZADD', due, ms(now + lease), id)
end

-- Has the time to decide, or to begin after an approval, run out?
local function late(state)
  if now < number('expires') then return false end
  if state == 'pending' then return true end
  return state == 'approved' and now >= number('approved') + grace
end

-- What a request that is past the wanted state answers.
local function past(state)
  if state == 'expired' then return reply('expired') end
  return reply('decided')
end
