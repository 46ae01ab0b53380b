/* The report as JSON. */
#include "load/run.h"
#include "json/json_out.h"
#include <math.h>
#include <stdio.h>

static void member_number(struct json_out *j, const char *name, double value)
{
    char text[40];
    int size =
        snprintf(text, sizeof text, value == floor(value) && fabs(value) < 1e15 ? "%.0f" : "%.3f", value);
    json_out_key(j, name);
    json_out_raw(j, text, (size_t)size);
}

static void write_kind(struct json_out *j, const struct kind *k, double seconds)
{
    char status[8];
    json_out_object(j);
    json_out_member_text(j, "kind", k->name);
    json_out_member_int(j, "count", (int64_t)(kind_answered(k) + kind_errors(k)));
    member_number(j, "per_s", seconds > 0 ? (double)kind_answered(k) / seconds : 0);
    json_out_key(j, "statuses");
    json_out_object(j);
    for (unsigned i = 0; i < STATUS_END; i++) {
        if (!k->statuses[i])
            continue;
        snprintf(status, sizeof status, "%u", i);
        json_out_member_int(j, status, (int64_t)k->statuses[i]);
    }
    json_out_end_object(j);
    json_out_key(j, "errors");
    json_out_object(j);
    for (unsigned i = 0; i < WIRE_ERRORS; i++) {
        if (k->errors[i])
            json_out_member_int(j, wire_error_name((enum wire_error)i), (int64_t)k->errors[i]);
    }
    json_out_end_object(j);
    member_number(j, "p50_ms", histogram_ms(&k->latency, 0.5));
    member_number(j, "p90_ms", histogram_ms(&k->latency, 0.9));
    member_number(j, "p99_ms", histogram_ms(&k->latency, 0.99));
    member_number(j, "p999_ms", histogram_ms(&k->latency, 0.999));
    member_number(j, "max_ms", histogram_ms(&k->latency, 1));
    json_out_end_object(j);
}

static void write_rule(struct json_out *j, const char *name, const struct rule_result *r)
{
    json_out_object(j);
    json_out_member_text(j, "rule", name);
    json_out_member_int(j, "breaches", (int64_t)r->breaches);
    json_out_member_text(j, "first", r->breaches ? r->first : NULL);
    json_out_end_object(j);
}

void load_report_json(const struct load_report *r, const struct load_scenario *s,
                      const struct load_options *o, struct buf *ret)
{
    struct json_out j;
    json_out_init(&j, ret);
    json_out_object(&j);
    json_out_member_text(&j, "scenario", s->name);
    json_out_member_text(&j, "loop", s->paced || o->rate > 0 ? "open" : "closed");
    json_out_member_int(&j, "connections", o->connections);
    member_number(&j, "rate", s->paced ? 0 : o->rate);
    member_number(&j, "seconds", r->seconds);
    json_out_member_int(&j, "seats", o->seats);
    json_out_member_int(&j, "seed", (int64_t)o->seed);
    member_number(&j, "client_busy", r->client_busy);
    json_out_member_bool(&j, "interrupted", r->interrupted);
    json_out_key(&j, "requests");
    json_out_array(&j);
    for (unsigned i = 0; i < r->kind_count; i++)
        write_kind(&j, &r->kinds[i], r->seconds);
    json_out_end_array(&j);
    json_out_key(&j, "figures");
    json_out_object(&j);
    for (unsigned i = 0; i < r->figure_count; i++)
        member_number(&j, r->figures[i].name, r->figures[i].value);
    json_out_end_object(&j);
    json_out_member_bool(&j, "verified", r->verified);
    json_out_key(&j, "rules");
    json_out_array(&j);
    for (unsigned i = 0; i < RULES && r->verified; i++)
        write_rule(&j, rule_name((enum rule)i), &r->rules[i]);
    if (r->scenario_rule_name)
        write_rule(&j, r->scenario_rule_name, &r->scenario_rule);
    json_out_end_array(&j);
    if (r->timeline_json.size) {
        json_out_key(&j, "timeline");
        json_out_raw(&j, r->timeline_json.data, r->timeline_json.size);
    }
    json_out_end_object(&j);
}
