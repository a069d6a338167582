import { maxDebtLimits, maxDips } from './bucket.ts';

/**
 * The arithmetic of bucket.ts in Lua, where a bucket is the text `emptyAtUs (atUs debtUs)...` and is gone when it is full.
 * Time is that of Redis alone, so no node's clock matters. Numbers are written with %.0f, as Lua's own way keeps 14 of
 * their 16 digits.
 */
const prelude = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local function numbersOf(text)
  local numbers = {}
  for digits in string.gmatch(text or '', '%S+') do numbers[#numbers + 1] = tonumber(digits) end
  return numbers
end

local function textOf(numbers)
  local parts = {}
  for index, number in ipairs(numbers) do parts[index] = string.format('%.0f', number) end
  return table.concat(parts, ' ')
end

-- numbers[1] is emptyAtUs; then follow the dips, two numbers each
local function bucketOf(key, limit)
  local numbers = numbersOf(redis.call('GET', key))
  local debt = math.min(math.max(0, (numbers[1] or 0) - now), limit * ${maxDebtLimits})
  return { key = key, numbers = numbers, debt = debt }
end

local function save(bucket)
  if bucket.debt <= 0 then
    redis.call('DEL', bucket.key)
  else
    bucket.numbers[1] = now + bucket.debt
    redis.call('SET', bucket.key, textOf(bucket.numbers), 'PX', math.ceil(bucket.debt / 1000))
  end
end

local function charge(bucket, amount)
  local numbers = bucket.numbers
  numbers[1] = now
  while #numbers > 1 and numbers[#numbers] >= bucket.debt do
    numbers[#numbers] = nil
    numbers[#numbers] = nil
  end
  numbers[#numbers + 1] = now
  numbers[#numbers + 1] = bucket.debt
  if #numbers > 1 + 2 * ${maxDips} then
    numbers[5] = numbers[3]
    table.remove(numbers, 2)
    table.remove(numbers, 2)
  end
  bucket.debt = bucket.debt + amount
end

local function refund(bucket, since, amount)
  local numbers = bucket.numbers
  local first
  for index = 2, #numbers, 2 do
    if numbers[index] > since then first = index + 1; break end
  end
  local shift = amount
  if first then
    shift = math.min(amount, numbers[first])
    for index = first, #numbers, 2 do numbers[index] = numbers[index] - shift end
    for index = 3, first - 2, 2 do numbers[index] = math.min(numbers[index], numbers[first]) end
  end
  bucket.debt = bucket.debt - math.min(shift, bucket.debt)
end
`;

/**
 * KEYS: the reservation, then a bucket for each tier. ARGV: lease in milliseconds, then cost and limit in microseconds
 * for each tier. Answers {1, 0, 0, debt...}, or {0, number of the tier to wait for, microseconds, debt...}.
 */
export const reserveScript = `${prelude}
local reply = { 1, 0, 0 }
local buckets = {}
for tier = 1, #KEYS - 1 do
  local cost, limit = tonumber(ARGV[2 * tier]), tonumber(ARGV[2 * tier + 1])
  local bucket = bucketOf(KEYS[tier + 1], limit)
  buckets[tier] = bucket
  reply[tier + 3] = bucket.debt
  local wait = bucket.debt + cost - limit
  if wait > reply[3] then reply[1], reply[2], reply[3] = 0, tier, wait end
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  reply[1], reply[2], reply[3] = 1, 0, 0
  return reply
end
if reply[1] == 0 then return reply end
local record = { now }
for tier, bucket in ipairs(buckets) do
  local cost = tonumber(ARGV[2 * tier])
  charge(bucket, cost)
  save(bucket)
  record[tier + 1] = cost
  reply[tier + 3] = bucket.debt
end
redis.call('SET', KEYS[1], textOf(record), 'PX', ARGV[1])
return reply
`;

/** KEYS as in {@link reserveScript}. ARGV: actual cost and limit in microseconds for each tier. Answers {debt...}. */
export const settleScript = `${prelude}
local record = numbersOf(redis.call('GET', KEYS[1]))
redis.call('DEL', KEYS[1])
local reply = {}
for tier = 1, #KEYS - 1 do
  local actual, limit = tonumber(ARGV[2 * tier - 1]), tonumber(ARGV[2 * tier])
  local bucket = bucketOf(KEYS[tier + 1], limit)
  local reserved = record[tier + 1]
  if reserved then
    if actual > reserved then
      charge(bucket, actual - reserved)
    else
      refund(bucket, record[1], reserved - actual)
    end
    save(bucket)
  end
  reply[tier] = bucket.debt
end
return reply
`;

/** KEYS: a bucket for each tier. ARGV: limit in microseconds for each tier. Answers {debt...}. */
export const peekScript = `${prelude}
local reply = {}
for tier, key in ipairs(KEYS) do reply[tier] = bucketOf(key, tonumber(ARGV[tier])).debt end
return reply
`;
