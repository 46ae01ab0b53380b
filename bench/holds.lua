-- wrk: each request holds one seat of its own. HOLD_EVENT, HOLD_TOKENS (a file, a token a line), HOLD_FIRST in the
-- environment. Counts what was answered, because only a 201 is a hold.
local tokens = {}
for line in io.lines(os.getenv("HOLD_TOKENS")) do tokens[#tokens + 1] = line end
local path = "/v1/events/" .. os.getenv("HOLD_EVENT") .. "/holds"
local seat = tonumber(os.getenv("HOLD_FIRST") or "0")
local made, other = 0, 0

function request()
    local body = '{"seat_indexes":[' .. seat .. ']}'
    local token = tokens[seat % #tokens + 1]
    seat = seat + 1
    return wrk.format("POST", path, {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token}, body)
end

function response(status)
    if status == 201 then made = made + 1 else other = other + 1 end
    wrk.thread:set("made", made)
    wrk.thread:set("other", other)
end

local threads = {}
function setup(thread) threads[#threads + 1] = thread end

function done(summary, latency)
    local all, rest = 0, 0
    for _, thread in ipairs(threads) do
        all = all + (thread:get("made") or 0)
        rest = rest + (thread:get("other") or 0)
    end
    io.write(string.format("RESULT made=%d other=%d seconds=%.6f p50_ms=%.3f p99_ms=%.3f\n", all, rest,
                           summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
