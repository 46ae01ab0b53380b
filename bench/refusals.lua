-- wrk: everybody wants one seat that is taken. In the environment: REFUSE_EVENT, REFUSE_TOKENS (a file, a token a line).
-- Only a 409 is a refusal.
local tokens = {}
for line in io.lines(os.getenv("REFUSE_TOKENS")) do tokens[#tokens + 1] = line end
local path = "/v1/events/" .. os.getenv("REFUSE_EVENT") .. "/holds"
local count, made, other = 0, 0, 0

function request()
    count = count + 1
    local token = tokens[count % #tokens + 1]
    return wrk.format("POST", path, {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token},
                      '{"seat_indexes":[0]}')
end

function response(status)
    if status == 409 then made = made + 1 else other = other + 1 end
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
