import { keyTimes } from './store.ts';

/**
 * The moves of state-machine.ts in Lua. KEYS: the record, a hash of state, fingerprint, token, attempt, lease end in
 * milliseconds and answer. Time is that of Redis alone, so no gateway's clock matters. Numbers are written with %.0f, as
 * Lua's own way keeps 14 of their digits.
 */
const prelude = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local found = redis.call('HMGET', KEYS[1], 'state', 'fingerprint', 'token', 'attempt', 'leaseEnd', 'answer')
local state, fingerprint, token, attempt = found[1], found[2], found[3], tonumber(found[4])
local leaseEnd, answer = tonumber(found[5]), found[6]

local function save(members)
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], unpack(members))
  redis.call('PEXPIRE', KEYS[1], ${keyTimes.retentionMs})
end

local function run(newFingerprint, newToken, newAttempt)
  local untilMs = string.format('%.0f', now + ${keyTimes.leaseMs})
  save({ 'state', 'running', 'fingerprint', newFingerprint, 'token', newToken,
    'attempt', newAttempt, 'leaseEnd', untilMs })
end
`;

/** ARGV: fingerprint, token, whether it is repeatable (1, 0). Answers {kind, number or answer}. */
const claim = `${prelude}
if not state then
  run(ARGV[1], ARGV[2], 1)
  return { 'claimed', '1' }
end
if fingerprint ~= ARGV[1] then return { 'mismatch' } end
if state == 'done' then return { 'done', answer } end
if token == ARGV[2] then
  run(ARGV[1], ARGV[2], attempt)
  return { 'claimed', tostring(attempt) }
end
if state == 'running' and leaseEnd > now then return { 'running', string.format('%.0f', leaseEnd - now) } end
if ARGV[3] == '0' then return { 'unknown' } end
run(ARGV[1], ARGV[2], attempt + 1)
return { 'claimed', tostring(attempt + 1) }
`;

/** ARGV of all that follow begins with the holder: fingerprint, token, attempt. Answers {1} or {0}. */
const extend = `${prelude}
if state and (token ~= ARGV[2] or state ~= 'running') then return { '0' } end
run(ARGV[1], ARGV[2], ARGV[3])
return { '1' }
`;

/** ARGV: holder, answer. Answers {kept}, or {lost} with the answer that there is. */
const complete = `${prelude}
if state and token ~= ARGV[2] then
  if state == 'done' then return { 'lost', answer } end
  return { 'lost' }
end
if state ~= 'done' then
  save({ 'state', 'done', 'fingerprint', ARGV[1], 'token', ARGV[2], 'attempt', ARGV[3], 'answer', ARGV[4] })
end
return { 'kept' }
`;

const abandonIt = `
save({ 'state', 'unknown', 'fingerprint', ARGV[1], 'token', ARGV[2], 'attempt', ARGV[3] })
return {}
`;

const release = `${prelude}
if not state or token ~= ARGV[2] or state == 'done' then return {} end
if attempt == 1 then
  redis.call('DEL', KEYS[1])
  return {}
end
${abandonIt}
`;

const abandon = `${prelude}
if state and (token ~= ARGV[2] or state == 'done') then return {} end
${abandonIt}
`;

/** One script for each move; every one answers a list of texts. */
export const redisScripts = { claim, extend, complete, release, abandon } as const;
