#include "load/crowd.h"
#include "unit/base/check.h"
#include <math.h>
#include <string.h>

static void assert_near(double got, double wanted, double off)
{
    if (fabs(got - wanted) > off)
        fail_msg("%g instead of %g (+- %g)", got, wanted, off);
}

static struct curve attempts(void)
{
    struct curve c;
    const struct crowd_options o = crowd_defaults();
    curve_build(&c, density_attempts, CROWD_HOLD, &o);
    return c;
}

/* 5 % before the start; of the others a quarter in 10 s, 60 % in a minute. */
static void test_attempts_come_as_the_model_says(void **state)
{
    (void)state;
    struct curve c = attempts();
    assert_near(curve_share(&c, -CROWD_BEFORE), 0, 1e-9);
    assert_near(curve_share(&c, 0), 0.05, 1e-3);
    assert_near(curve_share(&c, 10), 0.05 + 0.95 * 0.25, 1e-3);
    assert_near(curve_share(&c, 60), 0.05 + 0.95 * 0.60, 1e-3);
    curve_done(&c);
}

/* After the first minute half as many in each 75 s. */
static void test_attempts_halve(void **state)
{
    (void)state;
    struct curve c = attempts();
    double first = curve_share(&c, 135) - curve_share(&c, 60),
           second = curve_share(&c, 210) - curve_share(&c, 135);
    assert_near(second / first, 0.5, 0.01);
    curve_done(&c);
}

/* 8 % of those after the start come again when the first holds expire, most of them soon. */
static void test_a_wave_comes_back(void **state)
{
    (void)state;
    struct curve c = attempts();
    assert_near(1 - curve_share(&c, CROWD_HOLD), 0.95 * 0.08, 1e-3);
    double soon = curve_share(&c, CROWD_HOLD + 10) - curve_share(&c, CROWD_HOLD);
    assert_true(soon > 0.6 * 0.95 * 0.08);
    assert_near(curve_share(&c, CROWD_HOLD + CROWD_AFTER), 1, 1e-9);
    curve_done(&c);
}

/* The density just after the start is ten times that just before, within a second. */
static void test_reads_step_to_ten_times(void **state)
{
    (void)state;
    struct curve c;
    const struct crowd_options o = crowd_defaults();
    curve_build(&c, density_reads, CROWD_HOLD, &o);
    double before = curve_share(&c, 0) - curve_share(&c, -1), after = curve_share(&c, 2) - curve_share(&c, 1);
    assert_near(after / before, 10, 0.1);
    assert_true(curve_share(&c, -60) < curve_share(&c, 0) / 2); /* it rises */
    curve_done(&c);
}

static void test_time_is_the_inverse_of_share(void **state)
{
    (void)state;
    struct curve c = attempts();
    double last = -CROWD_BEFORE;
    for (int i = 0; i <= 1000; i++) {
        double u = i / 1000.0, t = curve_time(&c, u);
        assert_near(curve_share(&c, t), u, 1e-6);
        assert_true(t >= last);
        last = t;
    }
    curve_done(&c);
}

static void test_zipf(void **state)
{
    (void)state;
    enum { RANKS = 10, DRAWS = 200000 };
    unsigned counts[RANKS] = {0};
    struct dice d = {.state = 3};
    for (unsigned i = 0; i < DRAWS; i++)
        counts[zipf_rank(RANKS, dice_share(&d))]++;
    for (unsigned k = 1; k < RANKS; k++)
        assert_near((double)counts[k] / counts[0], 1.0 / (k + 1), 0.02);
    assert_int_equal(zipf_rank(RANKS, 0), 0);
    assert_int_equal(zipf_rank(RANKS, 0.9999999), RANKS - 1);
    assert_int_equal(zipf_rank(1, 0.5), 0);
}

static void test_parties(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    double counts[PARTY_MAX + 1] = {0}, sum = 0;
    struct dice d = {.state = 4};
    for (unsigned i = 0; i < DRAWS; i++) {
        unsigned size = party_size(dice_share(&d));
        assert_true(size >= 1 && size <= PARTY_MAX);
        counts[size]++;
        sum += size;
    }
    const double wanted[] = {0.08, 0.55, 0.12, 0.22};
    for (unsigned i = 0; i < 4; i++)
        assert_near(counts[i + 1] / DRAWS, wanted[i], 0.005);
    assert_near((counts[5] + counts[6] + counts[7] + counts[8]) / DRAWS, 0.03, 0.003);
    assert_near(sum / DRAWS, party_mean(), 0.02);
    assert_int_equal(party_size(0.9999999), PARTY_MAX);
}

/* Of 1.7 holds one is paid, 0.3 ordered and not paid; of the 0.7 two in seven are given back. */
static void test_what_becomes_of_holds(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    const struct crowd_options o = crowd_defaults();
    struct dice d = {.state = 5};
    double fates[5] = {0}, doubles = 0, repeats = 0, fails = 0, late = 0;
    for (unsigned i = 0; i < DRAWS; i++) {
        struct plan p = plan_draw(&d, false, &o);
        fates[p.fate]++;
        doubles += p.doubles;
        repeats += p.repeats;
        fails += p.payment_fails;
        late += p.payment_late;
    }
    assert_near(fates[FATE_PAID] / DRAWS, 1 / 1.7, 0.005);
    assert_near((fates[FATE_ORDER_GIVEN_BACK] + fates[FATE_ORDER_EXPIRES]) / DRAWS, 0.3 / 1.7, 0.005);
    assert_near((fates[FATE_GIVEN_BACK] + fates[FATE_ORDER_GIVEN_BACK]) / DRAWS, 0.2 / 1.7, 0.005);
    assert_near((fates[FATE_EXPIRES] + fates[FATE_ORDER_EXPIRES]) / DRAWS, 0.5 / 1.7, 0.005);
    assert_near(doubles / DRAWS, 0.05, 0.003);
    assert_near(repeats / DRAWS, 0.03, 0.003);
    assert_near(fails / DRAWS, 0.12, 0.003);
    assert_near(late / DRAWS, 0.01, 0.001);
}

static void test_bots_do_not_think(void **state)
{
    (void)state;
    const struct crowd_options o = crowd_defaults();
    struct dice d = {.state = 6};
    for (unsigned i = 0; i < 100; i++) {
        struct plan bot = plan_draw(&d, true, &o), person = plan_draw(&d, false, &o);
        assert_true(bot.bot && bot.think_order == 0 && bot.think_pay == 0 && bot.think_leave == 0);
        assert_true(!person.bot && person.think_order >= 30 && person.think_order <= 180);
    }
}

static void test_a_seed_repeats(void **state)
{
    (void)state;
    const struct crowd_options o = crowd_defaults();
    struct dice a = {.state = 9}, b = {.state = 9}, other = {.state = 10};
    unsigned differs = 0;
    for (unsigned i = 0; i < 100; i++) {
        struct plan p = plan_draw(&a, false, &o), q = plan_draw(&b, false, &o),
                    r = plan_draw(&other, false, &o);
        assert_true(p.party == q.party && p.fate == q.fate && p.think_pay == q.think_pay);
        differs += p.think_pay != r.think_pay;
    }
    assert_true(differs > 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attempts_come_as_the_model_says),
        cmocka_unit_test(test_attempts_halve),
        cmocka_unit_test(test_a_wave_comes_back),
        cmocka_unit_test(test_reads_step_to_ten_times),
        cmocka_unit_test(test_time_is_the_inverse_of_share),
        cmocka_unit_test(test_zipf),
        cmocka_unit_test(test_parties),
        cmocka_unit_test(test_what_becomes_of_holds),
        cmocka_unit_test(test_bots_do_not_think),
        cmocka_unit_test(test_a_seed_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
