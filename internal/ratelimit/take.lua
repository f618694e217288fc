-- Counts an event for every key, or for none. KEYS are the cells; ARGV has two numbers for each, in nanoseconds: one event may
-- come every so often, and how far ahead of that events may be. Returns 1 or 0, and how far ahead each is now.
-- Times count from 2025 on, so that a double holds them to a few nanoseconds.
local t = redis.call('TIME')
local now = (t[1] - 1735689600) * 1e9 + t[2] * 1e3
local counted, ahead = 1, {}
for i, key in ipairs(KEYS) do
	local every, full = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
	local drained = tonumber(redis.call('GET', key))
	ahead[i] = 0
	if drained and drained > now then -- which is no number never is
		ahead[i] = math.min(drained - now, full)
	end
	if ahead[i] + every > full then
		counted = 0
	end
end
if counted == 1 then
	for i, key in ipairs(KEYS) do
		ahead[i] = ahead[i] + tonumber(ARGV[2 * i - 1])
		redis.call('SET', key, string.format('%.0f', now + ahead[i]), 'PX', math.ceil(ahead[i] / 1e6))
	end
end
return {counted, unpack(ahead)}
