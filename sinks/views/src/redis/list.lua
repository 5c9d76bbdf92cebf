-- Lists the fields of buckets, together with the marker of the same moment.
-- KEYS: the marker, then buckets. ARGV: how many fields are enough.
-- Returns {marker, number of buckets looked at, fields, number of fields of each bucket, key of another
-- type or false}.
local limit = tonumber(ARGV[1])
local fields, counts, count = {}, {}, 0
-- Most buckets of a small store do not exist: one command finds it out for all of them.
if redis.call('EXISTS', unpack(KEYS, 2)) == 0 then return {redis.call('GET', KEYS[1]), #KEYS - 1, fields, counts, false} end
for i = 2, #KEYS do
  local held = redis.pcall('HKEYS', KEYS[i])
  if held.err then return {false, 0, {}, {}, KEYS[i]} end
  counts[i - 1] = #held
  for _, field in ipairs(held) do
    count = count + 1
    fields[count] = field
  end
  if count >= limit then return {redis.call('GET', KEYS[1]), i - 1, fields, counts, false} end
end
return {redis.call('GET', KEYS[1]), #KEYS - 1, fields, counts, false}
