-- Exchanges the marker and applies commands, or does nothing and says why.
-- KEYS: the marker, then the bucket of each command.
-- ARGV: the marker expected ('' for none), the next marker, the generation, then for each command
-- its letter (P put, O put if the payload is another, D delete), field and value.
-- Returns {answer, detail}. decide::answer is the same in Rust.
local marker = redis.pcall('GET', KEYS[1])
if type(marker) == 'table' then
  if string.find(marker.err, 'WRONGTYPE', 1, true) then return {'wrong type', KEYS[1]} end
  return marker
end
if marker == ARGV[2] then return {'done', ''} end
local holder = marker and string.match(marker, '^{"generation":(%d+)[^%d]')
if holder and tonumber(holder) > tonumber(ARGV[3]) then return {'fenced', holder} end
if (marker or '') ~= ARGV[1] then return {'gap', ''} end

-- What follows `changed_at` and the space.
local function payload(value)
  return string.sub(value, (string.find(value, ' ', 1, true) or 0) + 1)
end

local at = 4
for i = 2, #KEYS do
  local letter, field, value = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  at = at + 3
  local done
  if letter == 'P' then
    done = redis.pcall('HSET', KEYS[i], field, value)
  elseif letter == 'D' then
    done = redis.pcall('HDEL', KEYS[i], field)
  else
    done = redis.pcall('HGET', KEYS[i], field)
    if type(done) ~= 'table' and not (done and payload(done) == payload(value)) then
      done = redis.pcall('HSET', KEYS[i], field, value)
    end
  end
  -- The marker stays: what took effect is absolute, and the call is repeated or ends the job.
  if type(done) == 'table' then
    if string.find(done.err, 'WRONGTYPE', 1, true) then return {'wrong type', KEYS[i]} end
    return done
  end
end
redis.call('SET', KEYS[1], ARGV[2])
return {'applied', ''}
