import { redisScript } from './redis-client.ts';

/**
 * The topic as it stands. A topic begins a new epoch when nothing is known of it, and when it was written in another run of
 * Redis. A run is a replication id: every start and every promotion of a replica makes a new one, and so has every node
 * that a slot moves to. Each of these may have lost the newest events, whose offsets would be given again. (It is new also
 * when a first replica attaches: a gap too many, where the process id would cost a third of the script.) The sequence
 * survives that, for it belongs to the source.
 * Fields of the meta hash: e epoch, r run, o last offset, b bytes of all payloads of the epoch, s last sequence.
 * Entries of the stream: id OFFSET-0; p payload, t milliseconds, b bytes of all payloads before it.
 */
const topicState = `
local meta, stream, channel = KEYS[1], KEYS[2], KEYS[3]
local candidate, maxEvents, maxBytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local maxAgeMs, metaTtlMs, publish = tonumber(ARGV[4]), ARGV[5], ARGV[6]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local run = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
local fields = redis.call('HMGET', meta, 'e', 'r', 'o', 'b', 's')
local epoch, offset, bytes, sequence = fields[1], tonumber(fields[3]), tonumber(fields[4]), fields[5]

local function whole(number) return string.format('%.0f', number) end

local function begin()
  epoch, offset, bytes = candidate, 0, 0
  redis.call('DEL', meta, stream)
  redis.call('HSET', meta, 'e', epoch, 'r', run, 'o', '0', 'b', '0')
  if sequence then redis.call('HSET', meta, 's', sequence) end
end

local function announce(payload)
  redis.call(publish, channel, epoch .. ' ' .. whole(offset) .. ' ' .. payload)
end

-- Lets go of what is out of bounds, at most 256 entries at a time so that no call takes long; answers the first that stays.
local function trim()
  for _ = 1, 128 do
    local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 2)
    for i = 1, 2 do
      local entry = oldest[i]
      if not entry then return offset + 1 end
      local id = tonumber(string.match(entry[1], '^%d+'))
      local isOver = offset - id >= maxEvents or (id < offset and bytes - tonumber(entry[2][6]) > maxBytes)
      if not isOver and tonumber(entry[2][4]) > nowMs - maxAgeMs then return id end
      redis.call('XDEL', stream, entry[1])
    end
  end
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  return oldest and tonumber(string.match(oldest[1], '^%d+')) or offset + 1
end

if not epoch or fields[2] ~= run then begin() end
`;

/** ARGV[7] payload, ARGV[8] sequence or '', ARGV[9] the one before it or ''. Answers epoch, offset, whether it was there already. */
export const publishScript = redisScript(`${topicState}
local payload, given = ARGV[7], ARGV[8]
if given ~= '' and sequence and tonumber(given) <= tonumber(sequence) then
  redis.call('PEXPIRE', meta, metaTtlMs)
  return { epoch, offset, 1 }
end
if ARGV[9] ~= '' and sequence and tonumber(ARGV[9]) > tonumber(sequence) then begin() end
offset = offset + 1
redis.call('XADD', stream, whole(offset) .. '-0', 'p', payload, 't', whole(nowMs), 'b', whole(bytes))
bytes = bytes + #payload
redis.call('HSET', meta, 'o', whole(offset), 'b', whole(bytes))
if given ~= '' then redis.call('HSET', meta, 's', given) end
trim()
redis.call('PEXPIRE', stream, maxAgeMs)
redis.call('PEXPIRE', meta, metaTtlMs)
announce(payload)
return { epoch, offset, 0 }
`);

/**
 * ARGV[7] the offset before the first wanted, ARGV[8] most events, ARGV[9] most bytes. Answers epoch, offset, sequence or '',
 * first kept offset, bytes after, then offset and payload of each event.
 */
export const readScript = redisScript(`${topicState}
local after, maxPage, maxPageBytes = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
redis.call('PEXPIRE', meta, metaTtlMs)
local first = trim()
local next = math.max(first, after + 1)
local answer = { epoch, offset, sequence or '', first, 0 }
local count, pageBytes = 0, 0
local isFull = next > offset
while not isFull do
  local wanted = math.max(1, math.min(16, maxPage - count))
  local entries = redis.call('XRANGE', stream, whole(next), '+', 'COUNT', wanted)
  if #entries == 0 then break end
  if count == 0 then answer[5] = bytes - tonumber(entries[1][2][6]) end
  for _, entry in ipairs(entries) do
    local payload = entry[2][2]
    pageBytes = pageBytes + #payload
    isFull = count >= maxPage or (count > 0 and pageBytes > maxPageBytes)
    if isFull then break end
    count = count + 1
    next = tonumber(string.match(entry[1], '^%d+')) + 1
    answer[#answer + 1] = next - 1
    answer[#answer + 1] = payload
  end
end
return answer
`);

/** ARGV[7] sequence, ARGV[8] the one before it or ''. */
export const advanceScript = redisScript(`${topicState}
if ARGV[8] ~= '' and sequence and tonumber(ARGV[8]) > tonumber(sequence) then
  sequence = false
  begin()
  announce('')
end
if not sequence or tonumber(sequence) < tonumber(ARGV[7]) then redis.call('HSET', meta, 's', ARGV[7]) end
redis.call('PEXPIRE', meta, metaTtlMs)
`);

/** Answers epoch and offset. */
export const restartScript = redisScript(`${topicState}
sequence = false
begin()
redis.call('PEXPIRE', meta, metaTtlMs)
announce('')
return { epoch, offset }
`);
