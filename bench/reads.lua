-- wrk: what was read, exactly. No script code runs for a request or an answer.
function done(summary, latency)
    local e = summary.errors
    io.write(string.format("RESULT requests=%d bytes=%d errors=%d seconds=%.6f\n", summary.requests, summary.bytes,
                           e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6))
end
