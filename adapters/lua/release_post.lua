-- Takes back the note "sending" of a post that was certainly not sent.
-- KEYS: 1 record. ARGV: 1 owner. Returns 1 when there was one of this owner.
local have = redis.call('GET', KEYS[1])
if not have then return 0 end
local rec = cjson.decode(have)
if rec.ref or rec.owner ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
