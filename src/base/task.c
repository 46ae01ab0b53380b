#include "base/task.h"
#include "base/error.h"
#include "base/must.h"

static struct task *task_of(struct mail *mail)
{
    return (struct task *)((char *)mail - offsetof(struct task, mail));
}

void task_post(struct mailbox *m, struct task *t)
{
    must(t->run);
    mailbox_post(m, &t->mail);
}

/* Run a list of tasks, each of which may be gone when its run() returns. */
static size_t run_list(struct mail *mail)
{
    size_t count = 0;
    while (mail) {
        struct task *t = task_of(mail);
        mail = mail->next;
        t->run(t);
        count++;
    }
    return count;
}

size_t task_run_all(struct mailbox *m)
{
    return run_list(mailbox_take(m));
}

void work_init(struct work_queue *q, size_t limit)
{
    must(limit > 0);
    *q = (struct work_queue){.limit = limit};
    must(pthread_mutex_init(&q->mtx, NULL) == 0);
    must(pthread_cond_init(&q->wake, NULL) == 0);
}

void work_done(struct work_queue *q)
{
    must(!q->first && q->count == 0);
    must(pthread_cond_destroy(&q->wake) == 0);
    must(pthread_mutex_destroy(&q->mtx) == 0);
}

int work_submit(struct work_queue *q, struct task *t)
{
    must(t->run);
    int ret = 0;
    must(pthread_mutex_lock(&q->mtx) == 0);
    if (q->stopping) {
        ret = BOX_ESHUTDOWN;
    } else if (q->count >= q->limit) {
        ret = BOX_EBUSY;
    } else {
        t->mail.next = NULL;
        if (q->last)
            q->last->next = &t->mail;
        else
            q->first = &t->mail;
        q->last = &t->mail;
        q->count++;
        must(pthread_cond_signal(&q->wake) == 0);
    }
    must(pthread_mutex_unlock(&q->mtx) == 0);
    return ret;
}

/* The oldest task, which leaves the queue, or NULL. The queue is locked. */
static struct task *take_first(struct work_queue *q)
{
    struct mail *mail = q->first;
    if (!mail)
        return NULL;
    q->first = mail->next;
    if (!q->first)
        q->last = NULL;
    q->count--;
    return task_of(mail);
}

void work_loop(struct work_queue *q)
{
    must(pthread_mutex_lock(&q->mtx) == 0);
    for (;;) {
        struct task *t = take_first(q);
        if (t) {
            must(pthread_mutex_unlock(&q->mtx) == 0);
            t->run(t);
            must(pthread_mutex_lock(&q->mtx) == 0);
        } else if (q->stopping) {
            break;
        } else {
            must(pthread_cond_wait(&q->wake, &q->mtx) == 0);
        }
    }
    must(pthread_mutex_unlock(&q->mtx) == 0);
}

void work_stop(struct work_queue *q)
{
    must(pthread_mutex_lock(&q->mtx) == 0);
    q->stopping = true;
    must(pthread_cond_broadcast(&q->wake) == 0);
    must(pthread_mutex_unlock(&q->mtx) == 0);
}

void work_drain(struct work_queue *q)
{
    for (;;) {
        must(pthread_mutex_lock(&q->mtx) == 0);
        struct task *t = take_first(q);
        must(pthread_mutex_unlock(&q->mtx) == 0);
        if (!t)
            return;
        t->run(t);
    }
}
