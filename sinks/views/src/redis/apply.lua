-- Exchanges the marker and applies commands, or does nothing and says why.
-- KEYS: the marker, then the bucket of each command.
-- ARGV: the marker expected ('' for none), the next marker, the generation, then for each command
-- its letter (P put, O put if the payload is another, D delete), field and value.
-- Returns {answer, detail}. decide::answer is the same in Rust.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'string' and kind ~= 'none' then return {'wrong type', KEYS[1]} end
local marker = redis.call('GET', KEYS[1])
if marker == ARGV[2] then return {'done', ''} end
local holder = marker and string.match(marker, '^{"generation":(%d+)[^%d]')
if holder and tonumber(holder) > tonumber(ARGV[3]) then return {'fenced', holder} end
if (marker or '') ~= ARGV[1] then return {'gap', ''} end

-- What follows `changed_at` and the space.
local function payload(value)
  return string.sub(value, (string.find(value, ' ', 1, true) or 0) + 1)
end

-- A script that fails is not rolled back: what could fail is looked for before the first command.
-- (Redis itself refuses at the first one where it is full, read-only or cannot save.)
for i = 2, #KEYS do
  kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'hash' and kind ~= 'none' then return {'wrong type', KEYS[i]} end
end

local at = 4
for i = 2, #KEYS do
  local letter, field, value = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  at = at + 3
  if letter == 'P' then
    redis.call('HSET', KEYS[i], field, value)
  elseif letter == 'D' then
    redis.call('HDEL', KEYS[i], field)
  else
    local held = redis.call('HGET', KEYS[i], field)
    if not (held and payload(held) == payload(value)) then redis.call('HSET', KEYS[i], field, value) end
  end
end
redis.call('SET', KEYS[1], ARGV[2])
return {'applied', ''}
