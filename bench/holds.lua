-- wrk: each request holds one seat of its own, event after event. In the environment: HOLD_EVENTS (a file, an event id a
-- line), HOLD_SEATS (of each event), HOLD_TOKENS (a file, a token a line), HOLD_FIRST (the seat to begin with; 0). Counts what was answered: only a 201 is a hold.
local function lines(name)
    local list = {}
    for line in io.lines(os.getenv(name)) do list[#list + 1] = line end
    return list
end

local tokens, events, seats = lines("HOLD_TOKENS"), lines("HOLD_EVENTS"), tonumber(os.getenv("HOLD_SEATS"))
local count, made, other = tonumber(os.getenv("HOLD_FIRST") or 0), 0, 0

function request()
    local path = "/v1/events/" .. events[math.floor(count / seats) % #events + 1] .. "/holds"
    local body = '{"seat_indexes":[' .. count % seats .. ']}'
    local token = tokens[count % #tokens + 1]
    count = count + 1
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
