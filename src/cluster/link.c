#include "cluster/link.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SPARE = 64, KEPT_CONNECTIONS = 512, CONNECT_MS = 2000 };

struct link {
    CURLM *multi;
    char *ca_file;
    CURL *spare[SPARE];
    size_t spare_count;
    struct link_call *calls; /* under way */
};

static void init_curl(void)
{
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

int link_open(const char *ca_file, struct link **ret_link)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    struct link *l = calloc(1, sizeof *l);
    must(l); /* out of memory ends the program */
    l->multi = curl_multi_init();
    if (!l->multi) {
        free(l);
        return BOX_EIO;
    }
    curl_multi_setopt(l->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)LIMIT_FORWARD_CONNECTIONS);
    curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    l->ca_file = ca_file ? strdup(ca_file) : NULL;
    must(!ca_file || l->ca_file);
    *ret_link = l;
    return 0;
}

/* ---- sending ---- */

static size_t receive(char *data, size_t size, size_t count, void *ctx)
{
    struct link_call *call = ctx;
    if (call->reply.size + size * count > LIMIT_CLUSTER_REPLY_BYTES)
        return 0; /* ends the call */
    buf_add(&call->reply, data, size * count);
    return size * count;
}

static CURL *take_easy(struct link *l)
{
    CURL *easy = l->spare_count ? l->spare[--l->spare_count] : curl_easy_init();
    must(easy); /* out of memory ends the program */
    curl_easy_reset(easy);
    return easy;
}

/* "Expect:" and "Accept:" switch off what libcurl would add. */
static struct curl_slist *fields_of(const struct link_call *call)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (const char *const *field = call->fields; field && *field; field++)
        list = curl_slist_append(list, *field);
    must(list); /* out of memory ends the program */
    return list;
}

static void set_options(const struct link *l, struct link_call *call, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, (struct curl_slist *)call->sent_fields);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    if (l->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, l->ca_file);
    if (call->body_size || strcmp(call->method, "POST") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body_size ? (const char *)call->body : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_size);
    }
}

void link_send(struct link *l, struct link_call *call)
{
    must(call->done && call->timeout_ms > 0);
    CURL *easy = take_easy(l);
    call->easy = easy;
    call->code = 0;
    call->status = 0;
    call->reply = (struct buf){0};
    call->sent_fields = fields_of(call);
    set_options(l, call, easy);
    call->prev = NULL;
    call->next = l->calls;
    if (l->calls)
        l->calls->prev = call;
    l->calls = call;
    must(curl_multi_add_handle(l->multi, easy) == CURLM_OK);
}

/* ---- the end of a call ---- */

/* Nothing of the request has left this process. */
static bool nothing_sent(const struct link_call *call)
{
    long sent = 0;
    curl_easy_getinfo((CURL *)call->easy, CURLINFO_REQUEST_SIZE, &sent);
    return sent == 0;
}

static int code_of(const struct link_call *call, CURLcode result)
{
    if (result == CURLE_OK)
        return 0;
    return nothing_sent(call) ? BOX_EUNAVAILABLE : BOX_EUNKNOWN;
}

static void end(struct link *l, struct link_call *call, CURLcode result)
{
    CURL *easy = call->easy;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    call->code = code_of(call, result);
    call->status = (unsigned)status;
    curl_multi_remove_handle(l->multi, easy);
    if (call->prev)
        call->prev->next = call->next;
    else
        l->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
    struct curl_slist *fields = call->sent_fields;
    call->done(call);
    curl_slist_free_all(fields);
    if (l->spare_count < SPARE)
        l->spare[l->spare_count++] = easy;
    else
        curl_easy_cleanup(easy);
}

const char *link_reply_field(const struct link_call *call, const char *name)
{
    struct curl_header *h;
    if (curl_easy_header((CURL *)call->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return NULL;
    return h->value;
}

void link_abort(struct link *l, struct link_call *call)
{
    end(l, call, CURLE_ABORTED_BY_CALLBACK);
}

void link_close(struct link *l)
{
    while (l->calls)
        link_abort(l, l->calls);
    while (l->spare_count)
        curl_easy_cleanup(l->spare[--l->spare_count]);
    curl_multi_cleanup(l->multi);
    free(l->ca_file);
    free(l);
}

void link_step(struct link *l, const struct mailbox *mailbox, int64_t wait_us)
{
    struct curl_waitfd mail = {.fd = mailbox->fd, .events = CURL_WAIT_POLLIN};
    int running, left;
    curl_multi_perform(l->multi, &running);
    bool ended = false;
    for (CURLMsg *m; (m = curl_multi_info_read(l->multi, &left));) {
        CURLcode result = m->data.result; /* what @m points to goes with the handle */
        struct link_call *call;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)(void *)&call);
        end(l, call, result);
        ended = true;
    }
    if (!ended && wait_us > 0)
        curl_multi_poll(l->multi, &mail, 1, (int)((wait_us + 999) / 1000), NULL);
}
