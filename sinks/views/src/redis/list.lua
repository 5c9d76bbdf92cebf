-- Lists the fields of buckets, together with the marker of the same moment.
-- KEYS: the marker, then buckets. ARGV: how many fields are enough.
-- Returns {marker, number of buckets looked at, fields}.
local limit = tonumber(ARGV[1])
local fields, count = {}, 0
for i = 2, #KEYS do
  for _, field in ipairs(redis.call('HKEYS', KEYS[i])) do
    count = count + 1
    fields[count] = field
  end
  if count >= limit then return {redis.call('GET', KEYS[1]), i - 1, fields} end
end
return {redis.call('GET', KEYS[1]), #KEYS - 1, fields}
