/* Run under ThreadSanitizer, too. */
#include "base/error.h"
#include "base/task.h"
#include "unit/base/check.h"
#include <sched.h>
#include <stdatomic.h>

enum { TASKS = 20000, WORKERS = 4 };

struct job {
    struct task task;
    struct mailbox *again; /* to post itself to, once */
    _Atomic int *ran;
    int number, *last;
};

static void run_job(struct task *t)
{
    struct job *job = (struct job *)t;
    if (job->last) {
        assert_true(job->number > *job->last);
        *job->last = job->number;
    }
    struct mailbox *again = job->again;
    job->again = NULL;
    atomic_fetch_add(job->ran, 1);
    if (again)
        task_post(again, t);
}

static void free_job(struct task *t)
{
    atomic_fetch_add(((struct job *)t)->ran, 1);
    free(t);
}

static void test_mailbox_runs_in_order(void **state)
{
    (void)state;
    struct mailbox m;
    assert_int_equal(mailbox_init(&m), 0);
    _Atomic int ran = 0;
    int last = -1;
    struct job jobs[10];
    for (int i = 0; i < 10; i++) {
        jobs[i] = (struct job){.task.run = run_job, .ran = &ran, .number = i, .last = &last};
        task_post(&m, &jobs[i].task);
    }
    assert_int_equal(task_run_all(&m), 10);
    assert_int_equal(last, 9);
    assert_int_equal(task_run_all(&m), 0);
    mailbox_done(&m);
}

static void test_task_may_go_or_come_again(void **state)
{
    (void)state;
    struct mailbox m;
    assert_int_equal(mailbox_init(&m), 0);
    _Atomic int ran = 0;
    struct job again = {.task.run = run_job, .ran = &ran, .again = &m};
    struct job *gone = calloc(1, sizeof(*gone)), *gone_too = calloc(1, sizeof(*gone_too));
    *gone = *gone_too = (struct job){.task.run = free_job, .ran = &ran};
    task_post(&m, &gone->task);
    task_post(&m, &again.task);
    task_post(&m, &gone_too->task);
    assert_int_equal(task_run_all(&m), 3);
    assert_int_equal(task_run_all(&m), 1); /* what was posted meanwhile waits for the next round */
    assert_int_equal(ran, 4);
    mailbox_done(&m);
}

static void test_queue_is_bounded(void **state)
{
    (void)state;
    struct work_queue q;
    work_init(&q, 3);
    _Atomic int ran = 0;
    int last = -1;
    struct job jobs[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (struct job){.task.run = run_job, .ran = &ran, .number = i, .last = &last};
        assert_int_equal(work_submit(&q, &jobs[i].task), i < 3 ? 0 : BOX_EBUSY);
    }
    work_drain(&q);
    assert_int_equal(ran, 3);
    assert_int_equal(last, 2);
    assert_int_equal(work_submit(&q, &jobs[3].task), 0);
    work_stop(&q);
    assert_int_equal(work_submit(&q, &jobs[0].task), BOX_ESHUTDOWN);
    work_loop(&q); /* ends, after what was queued before */
    assert_int_equal(ran, 4);
    work_done(&q);
}

static void *work(void *queue)
{
    work_loop(queue);
    return NULL;
}

static void test_workers(void **state)
{
    (void)state;
    struct work_queue q;
    work_init(&q, 64);
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &q), 0);
    _Atomic int ran = 0;
    struct job *jobs = calloc(TASKS, sizeof(*jobs));
    for (int i = 0; i < TASKS; i++) {
        jobs[i] = (struct job){.task.run = run_job, .ran = &ran};
        int ret;
        while ((ret = work_submit(&q, &jobs[i].task)) == BOX_EBUSY)
            sched_yield();
        assert_int_equal(ret, 0);
    }
    work_stop(&q);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(ran, TASKS); /* stopping loses nothing that was accepted */
    work_done(&q);
    free(jobs);
}

static void done_with_work(void)
{
    struct work_queue q;
    struct task t = {.run = free_job};
    work_init(&q, 1);
    (void)work_submit(&q, &t);
    work_done(&q);
}

static void test_done_with_work_aborts(void **state)
{
    (void)state;
    CHECK_ABORTS(done_with_work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mailbox_runs_in_order), cmocka_unit_test(test_task_may_go_or_come_again),
        cmocka_unit_test(test_queue_is_bounded),      cmocka_unit_test(test_workers),
        cmocka_unit_test(test_done_with_work_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
