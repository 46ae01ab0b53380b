/* Run under ThreadSanitizer, too. */
#include "base/clock.h"
#include "base/mailbox.h"
#include "unit/base/check.h"
#include <poll.h>
#include <pthread.h>

enum { SENDERS = 4, LETTERS = 20000 };

struct letter {
    struct mail mail; /* first: a mail is its letter */
    int sender;
    int number;
};

struct sender {
    struct mailbox *mailbox;
    struct letter *letters;
};

static struct letter *letter_of(struct mail *mail)
{
    return (struct letter *)mail;
}

static bool is_readable(const struct mailbox *m)
{
    struct pollfd pollfd = {.fd = m->fd, .events = POLLIN};
    return poll(&pollfd, 1, 0) == 1;
}

static void test_order_and_wake(void **state)
{
    (void)state;
    struct mailbox m;
    assert_int_equal(mailbox_init(&m), 0);
    assert_null(mailbox_take(&m));
    assert_false(is_readable(&m));

    struct letter letters[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    for (int i = 0; i < 3; i++)
        mailbox_post(&m, &letters[i].mail);
    assert_true(is_readable(&m));
    struct mail *mail = mailbox_take(&m);
    for (int i = 0; i < 3; i++, mail = mail->next)
        assert_int_equal(letter_of(mail)->number, i);
    assert_null(mail);
    assert_false(is_readable(&m));
    assert_null(mailbox_take(&m));

    mailbox_post(&m, &letters[1].mail); /* a mail may be posted again, and wakes again */
    assert_true(is_readable(&m));
    assert_ptr_equal(mailbox_take(&m), &letters[1].mail);
    mailbox_done(&m);
}

static void test_wait(void **state)
{
    (void)state;
    struct mailbox m;
    struct clock clock;
    clock_init_system(&clock);
    assert_int_equal(mailbox_init(&m), 0);
    mailbox_wait(&m, 0);
    int64_t start = clock_monotonic_us(&clock);
    mailbox_wait(&m, 20000);
    assert_true(clock_monotonic_us(&clock) - start >= 19000);

    struct mail mail;
    mailbox_post(&m, &mail);
    mailbox_wait(&m, -1); /* returns, since there is mail */
    assert_ptr_equal(mailbox_take(&m), &mail);
    mailbox_done(&m);
}

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    for (int i = 0; i < LETTERS; i++)
        mailbox_post(sender->mailbox, &sender->letters[i].mail);
    return NULL;
}

/* The taker sleeps without a time-out whenever there is no mail: a lost wake-up hangs the test. */
static void take_all(struct mailbox *m)
{
    int next[SENDERS] = {0};
    for (int got = 0; got < SENDERS * LETTERS;) {
        mailbox_wait(m, -1);
        for (struct mail *mail = mailbox_take(m), *after; mail; mail = after) {
            after = mail->next;
            struct letter *letter = letter_of(mail);
            assert_int_equal(letter->number, next[letter->sender]); /* one sender's order is kept */
            next[letter->sender]++;
            got++;
            letter->mail.next = NULL; /* the taker's own now: TSan would see a sender that still touches it */
        }
    }
}

static void test_four_senders(void **state)
{
    (void)state;
    struct mailbox m;
    assert_int_equal(mailbox_init(&m), 0);
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.mailbox = &m, .letters = calloc(LETTERS, sizeof(struct letter))};
        for (int k = 0; k < LETTERS; k++)
            senders[i].letters[k] = (struct letter){.sender = i, .number = k};
    }
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    take_all(&m);
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
        free(senders[i].letters);
    }
    mailbox_done(&m);
}

/* One letter goes to and fro between two threads: each step is a sleep and a wake-up. */
struct pair {
    struct mailbox here, there;
};

enum { ROUNDS = 5000 };

static void *send_back(void *arg)
{
    struct pair *pair = arg;
    for (int i = 0; i < ROUNDS;) {
        mailbox_wait(&pair->there, -1);
        struct mail *mail = mailbox_take(&pair->there);
        if (!mail)
            continue;
        letter_of(mail)->number++;
        mailbox_post(&pair->here, mail);
        i++;
    }
    return NULL;
}

static void test_ping_pong(void **state)
{
    (void)state;
    struct pair pair;
    assert_int_equal(mailbox_init(&pair.here), 0);
    assert_int_equal(mailbox_init(&pair.there), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_back, &pair), 0);
    struct letter letter = {.number = 0};
    mailbox_post(&pair.there, &letter.mail);
    for (int i = 1; i <= ROUNDS;) {
        mailbox_wait(&pair.here, -1);
        struct mail *mail = mailbox_take(&pair.here);
        if (!mail)
            continue;
        assert_int_equal(letter_of(mail)->number, i);
        if (i < ROUNDS)
            mailbox_post(&pair.there, mail);
        i++;
    }
    pthread_join(thread, NULL);
    mailbox_done(&pair.here);
    mailbox_done(&pair.there);
}

static void done_with_mail(void)
{
    struct mailbox m;
    struct mail mail;
    if (mailbox_init(&m) != 0)
        return;
    mailbox_post(&m, &mail);
    mailbox_done(&m);
}

static void test_done_with_mail_aborts(void **state)
{
    (void)state;
    CHECK_ABORTS(done_with_mail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_wake),        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_four_senders),          cmocka_unit_test(test_ping_pong),
        cmocka_unit_test(test_done_with_mail_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
